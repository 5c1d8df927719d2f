-- SQLite cannot change a row on its way in, so the name is given right after.
CREATE TRIGGER before_spot_pools_insert AFTER INSERT ON spot_pools
FOR EACH ROW WHEN NEW.pool_name IS NULL
BEGIN
    UPDATE spot_pools SET pool_name = NEW.instance_type || ' (' || NEW.az || ')'
    WHERE id = NEW.id;
END
$$
CREATE TRIGGER before_spot_pools_update AFTER UPDATE ON spot_pools
FOR EACH ROW WHEN NEW.pool_name IS NULL
BEGIN
    UPDATE spot_pools SET pool_name = NEW.instance_type || ' (' || NEW.az || ')'
    WHERE id = NEW.id;
END
