-- Whatever is deleted in a database that is made now is overwritten, from its first row on. In an older one bytes of deleted
-- rows may lie anywhere until the whole file was written anew once.
INSERT INTO setting (key, value) SELECT 'secure_delete', 'always' WHERE NOT EXISTS (SELECT 1 FROM setting);
