/** Runs before the frame of index.html is painted, so that it has the reader's theme from the first moment. */
import { setTheme } from "./chosen_theme.ts";

setTheme();
