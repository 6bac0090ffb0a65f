/** The name of a sense, a workflow, a group or an alert: also the name of its folder. */
export const namePattern = /^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/;
