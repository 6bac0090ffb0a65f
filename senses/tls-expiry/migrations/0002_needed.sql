-- The certificate that ends first: the server's own, or one that vouches for it.
alter table checks add column ends_first text;
