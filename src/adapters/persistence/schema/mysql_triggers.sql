CREATE TRIGGER before_spot_pools_insert BEFORE INSERT ON spot_pools
FOR EACH ROW
BEGIN
    IF NEW.pool_name IS NULL THEN
        SET NEW.pool_name = CONCAT(NEW.instance_type, ' (', NEW.az, ')');
    END IF;
END
$$
CREATE TRIGGER before_spot_pools_update BEFORE UPDATE ON spot_pools
FOR EACH ROW
BEGIN
    IF NEW.pool_name IS NULL THEN
        SET NEW.pool_name = CONCAT(NEW.instance_type, ' (', NEW.az, ')');
    END IF;
END
