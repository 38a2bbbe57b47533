-- What the server is. Read only.
SELECT current_setting('server_version_num')::integer, current_setting('server_encoding')
