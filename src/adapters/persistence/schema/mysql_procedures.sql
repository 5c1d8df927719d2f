CREATE PROCEDURE register_agent(
    IN p_client_token VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci,
    IN p_logical_agent_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci,
    IN p_hostname VARCHAR(255),
    IN p_instance_id VARCHAR(50),
    IN p_instance_type VARCHAR(50),
    IN p_region VARCHAR(50),
    IN p_az VARCHAR(50),
    IN p_ami_id VARCHAR(50),
    IN p_mode VARCHAR(20),
    IN p_agent_version VARCHAR(32),
    IN p_private_ip VARCHAR(45),
    IN p_public_ip VARCHAR(45)
)
BEGIN
    DECLARE v_client_id CHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
    DECLARE v_agent_id CHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
    DECLARE v_pool_id VARCHAR(100);

    SET v_client_id = (
        SELECT id FROM clients WHERE client_token = p_client_token AND is_active = 1
    );
    IF v_client_id IS NULL THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'Invalid or inactive client token';
    END IF;

    SET v_pool_id = IF(p_mode = 'spot', CONCAT(p_instance_type, '.', p_az), NULL);
    SET v_agent_id = (
        SELECT id FROM agents
        WHERE client_id = v_client_id AND logical_agent_id = p_logical_agent_id
    );

    IF v_agent_id IS NULL THEN
        SET v_agent_id = UUID();
        INSERT INTO agents (
            id, client_id, logical_agent_id, hostname, instance_id, instance_type, region, az,
            ami_id, private_ip, public_ip, current_mode, current_pool_id, agent_version,
            status, last_heartbeat_at
        ) VALUES (
            v_agent_id, v_client_id, p_logical_agent_id, p_hostname, p_instance_id,
            p_instance_type, p_region, p_az, p_ami_id, p_private_ip, p_public_ip, p_mode,
            v_pool_id, p_agent_version, 'online', NOW()
        );
        INSERT INTO agent_configs (agent_id) VALUES (v_agent_id);
    ELSE
        UPDATE agents SET
            hostname = p_hostname,
            instance_id = p_instance_id,
            instance_type = p_instance_type,
            region = p_region,
            az = p_az,
            ami_id = p_ami_id,
            private_ip = p_private_ip,
            public_ip = p_public_ip,
            current_mode = p_mode,
            current_pool_id = v_pool_id,
            agent_version = p_agent_version,
            status = 'online',
            last_heartbeat_at = NOW()
        WHERE id = v_agent_id;
    END IF;

    SELECT
        a.id AS agent_id,
        a.client_id,
        a.enabled,
        a.auto_switch_enabled,
        a.auto_terminate_enabled,
        a.terminate_wait_seconds,
        a.replica_enabled,
        a.replica_count,
        a.manual_replica_enabled,
        limits.min_savings_percent,
        limits.risk_threshold,
        limits.max_switches_per_week,
        limits.max_switches_per_day,
        limits.min_pool_duration_hours
    FROM agents AS a
    LEFT JOIN agent_configs AS limits ON limits.agent_id = a.id
    WHERE a.id = v_agent_id;
END
$$
CREATE PROCEDURE get_pending_commands(
    IN p_agent_id CHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
)
BEGIN
    SELECT
        id, agent_id, command_type, target_mode, target_pool_id, instance_id, priority,
        terminate_wait_seconds, created_by, trigger_type, created_at
    FROM commands
    WHERE agent_id = p_agent_id AND status = 'pending'
    ORDER BY priority DESC, created_at;
END
$$
CREATE PROCEDURE mark_command_executed(
    IN p_command_id CHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci,
    IN p_success BOOLEAN,
    IN p_message TEXT
)
BEGIN
    UPDATE commands SET
        status = IF(p_success, 'completed', 'failed'),
        success = p_success,
        message = p_message,
        executed_at = NOW(),
        completed_at = NOW()
    WHERE id = p_command_id;
END
$$
CREATE PROCEDURE get_cheapest_pool(
    IN p_instance_type VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci,
    IN p_region VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
)
BEGIN
    SELECT p.pool_id, p.instance_type, p.region, p.az, p.price, p.recorded_at
    FROM spot_prices AS p
    WHERE p.instance_type = p_instance_type
        AND p.region = p_region
        AND NOT EXISTS (
            SELECT 1 FROM spot_prices AS newer
            WHERE newer.pool_id = p.pool_id
                AND (
                    newer.recorded_at > p.recorded_at
                    OR (newer.recorded_at = p.recorded_at AND newer.id > p.id)
                )
        )
    ORDER BY p.price;
END
$$
CREATE PROCEDURE calculate_agent_savings(
    IN p_agent_id CHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci,
    IN p_start TIMESTAMP,
    IN p_end TIMESTAMP
)
BEGIN
    SELECT
        p_agent_id AS agent_id,
        COALESCE(SUM(CASE WHEN mode = 'spot' THEN hours_running END), 0) AS spot_hours,
        COALESCE(SUM(CASE WHEN mode = 'ondemand' THEN hours_running END), 0) AS ondemand_hours,
        COALESCE(SUM(actual_cost), 0) AS total_cost,
        COALESCE(SUM(ondemand_cost), 0) AS total_ondemand_cost,
        COALESCE(SUM(savings), 0) AS total_savings,
        CASE
            WHEN SUM(ondemand_cost) > 0 THEN ROUND(SUM(savings) / SUM(ondemand_cost) * 100, 2)
            ELSE 0
        END AS savings_percentage
    FROM cost_records
    WHERE agent_id = p_agent_id AND period_start >= p_start AND period_end <= p_end;
END
$$
CREATE PROCEDURE calculate_client_savings(
    IN p_client_id CHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci,
    IN p_start TIMESTAMP,
    IN p_end TIMESTAMP
)
BEGIN
    SELECT
        p_client_id AS client_id,
        COALESCE(SUM(CASE WHEN mode = 'spot' THEN hours_running END), 0) AS spot_hours,
        COALESCE(SUM(CASE WHEN mode = 'ondemand' THEN hours_running END), 0) AS ondemand_hours,
        COALESCE(SUM(actual_cost), 0) AS total_cost,
        COALESCE(SUM(ondemand_cost), 0) AS total_ondemand_cost,
        COALESCE(SUM(savings), 0) AS total_savings,
        CASE
            WHEN SUM(ondemand_cost) > 0 THEN ROUND(SUM(savings) / SUM(ondemand_cost) * 100, 2)
            ELSE 0
        END AS savings_percentage,
        (
            SELECT COUNT(*) FROM switches
            WHERE client_id = p_client_id AND initiated_at BETWEEN p_start AND p_end
        ) AS switch_count
    FROM cost_records
    WHERE client_id = p_client_id AND period_start >= p_start AND period_end <= p_end;
END
$$
CREATE PROCEDURE check_switch_limits(
    IN p_agent_id CHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
)
BEGIN
    DECLARE v_day_limit INT;
    DECLARE v_week_limit INT;
    DECLARE v_day_count INT;
    DECLARE v_week_count INT;

    SET v_day_limit = COALESCE(
        (SELECT max_switches_per_day FROM agent_configs WHERE agent_id = p_agent_id), 3
    );
    SET v_week_limit = COALESCE(
        (SELECT max_switches_per_week FROM agent_configs WHERE agent_id = p_agent_id), 10
    );
    SET v_day_count = (
        SELECT COUNT(*) FROM switches
        WHERE agent_id = p_agent_id AND initiated_at >= NOW() - INTERVAL 1 DAY
    );
    SET v_week_count = (
        SELECT COUNT(*) FROM switches
        WHERE agent_id = p_agent_id AND initiated_at >= NOW() - INTERVAL 7 DAY
    );

    SELECT
        v_day_count < v_day_limit AND v_week_count < v_week_limit AS can_switch,
        CASE
            WHEN v_day_count >= v_day_limit THEN 'Daily switch limit reached'
            WHEN v_week_count >= v_week_limit THEN 'Weekly switch limit reached'
            ELSE 'Within limits'
        END AS reason,
        v_day_count AS switches_today,
        v_week_count AS switches_this_week;
END
$$
CREATE PROCEDURE update_spot_pool_prices(IN p_prices JSON)
BEGIN
    DECLARE v_index INT DEFAULT 0;
    DECLARE v_count INT DEFAULT COALESCE(JSON_LENGTH(p_prices), 0);

    WHILE v_index < v_count DO
        INSERT INTO spot_price_snapshots (pool_id, price, captured_at)
        VALUES (
            JSON_UNQUOTE(JSON_EXTRACT(p_prices, CONCAT('$[', v_index, '].pool_id'))),
            JSON_UNQUOTE(JSON_EXTRACT(p_prices, CONCAT('$[', v_index, '].price'))),
            NOW()
        );
        SET v_index = v_index + 1;
    END WHILE;

    SELECT v_count AS updated_count;
END
$$
CREATE PROCEDURE cleanup_old_data()
BEGIN
    DELETE FROM spot_price_snapshots WHERE captured_at < NOW() - INTERVAL 90 DAY;
    DELETE FROM ondemand_price_snapshots WHERE captured_at < NOW() - INTERVAL 90 DAY;
    DELETE FROM risk_scores WHERE created_at < NOW() - INTERVAL 90 DAY;
    DELETE FROM decision_engine_log WHERE created_at < NOW() - INTERVAL 30 DAY;
    DELETE FROM pricing_reports WHERE received_at < NOW() - INTERVAL 30 DAY;
    DELETE FROM model_predictions WHERE created_at < NOW() - INTERVAL 30 DAY;
    DELETE FROM system_events WHERE created_at < NOW() - INTERVAL 90 DAY;
    DELETE FROM audit_logs WHERE created_at < NOW() - INTERVAL 180 DAY;
    DELETE FROM notifications WHERE is_read = 1 AND created_at < NOW() - INTERVAL 30 DAY;
    DELETE FROM commands
    WHERE status IN ('completed', 'failed', 'cancelled')
        AND completed_at < NOW() - INTERVAL 7 DAY;
    DELETE FROM pending_switch_commands WHERE executed_at < NOW() - INTERVAL 7 DAY;
END
$$
CREATE PROCEDURE update_client_total_savings()
BEGIN
    UPDATE clients AS c SET c.total_savings = (
        SELECT COALESCE(SUM(cost.savings), 0)
        FROM cost_records AS cost
        JOIN agents AS a ON a.id = cost.agent_id
        WHERE a.client_id = c.id
    );
END
$$
CREATE PROCEDURE compute_monthly_savings()
BEGIN
    DECLARE v_month_start DATE DEFAULT DATE_FORMAT(CURRENT_DATE, '%Y-%m-01');

    INSERT INTO client_savings_monthly (
        client_id, year, month, baseline_cost, actual_cost, savings, switch_count, computed_at
    )
    SELECT
        costs.client_id,
        YEAR(v_month_start),
        MONTH(v_month_start),
        costs.baseline,
        costs.actual,
        GREATEST(0, costs.baseline - costs.actual),
        costs.switch_count,
        NOW()
    FROM (
        SELECT
            c.id AS client_id,
            COALESCE(fleet.baseline, 0) AS baseline,
            COALESCE(moves.actual, fleet.baseline, 0) AS actual,
            COALESCE(moves.switch_count, 0) AS switch_count
        FROM clients AS c
        LEFT JOIN (
            SELECT client_id, SUM(baseline_ondemand_price) * 24 * 30 AS baseline
            FROM instances
            WHERE is_active = 1
            GROUP BY client_id
        ) AS fleet ON fleet.client_id = c.id
        LEFT JOIN (
            SELECT
                s.client_id,
                SUM(IF(s.new_mode = 'spot', s.new_spot_price, s.on_demand_price)) * 24 * 30
                    AS actual,
                COUNT(*) AS switch_count
            FROM switches AS s
            WHERE s.timestamp >= v_month_start
                AND s.timestamp < v_month_start + INTERVAL 1 MONTH
            GROUP BY s.client_id
        ) AS moves ON moves.client_id = c.id
        WHERE c.is_active = 1
    ) AS costs
    ON DUPLICATE KEY UPDATE
        baseline_cost = VALUES(baseline_cost),
        actual_cost = VALUES(actual_cost),
        savings = VALUES(savings),
        switch_count = VALUES(switch_count),
        computed_at = VALUES(computed_at);
END
$$
CREATE PROCEDURE sp_calculate_daily_savings(IN p_date DATE)
BEGIN
    INSERT INTO savings_snapshots (client_id, snapshot_date, daily_savings, switch_count)
    SELECT s.client_id, p_date, COALESCE(SUM(s.savings_impact), 0) * 24, COUNT(*)
    FROM switches AS s
    WHERE s.timestamp >= p_date AND s.timestamp < p_date + INTERVAL 1 DAY
    GROUP BY s.client_id
    ON DUPLICATE KEY UPDATE
        daily_savings = VALUES(daily_savings),
        switch_count = VALUES(switch_count);
END
$$
CREATE PROCEDURE sp_cleanup_old_metrics(IN p_days INT)
BEGIN
    DELETE FROM agent_health_metrics WHERE metric_time < NOW() - INTERVAL p_days DAY;
    DELETE FROM pool_risk_analysis WHERE analysis_time < NOW() - INTERVAL p_days DAY;
    DELETE FROM replica_cost_log WHERE log_time < NOW() - INTERVAL p_days DAY;
    DELETE FROM cleanup_logs WHERE executed_at < NOW() - INTERVAL p_days DAY;
END
