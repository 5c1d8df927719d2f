CREATE VIEW agent_overview AS
SELECT
    a.id,
    a.client_id,
    c.name AS client_name,
    a.logical_agent_id,
    a.instance_id,
    a.instance_type,
    a.region,
    a.az,
    a.current_mode,
    a.current_pool_id,
    a.status,
    a.enabled,
    a.auto_switch_enabled,
    a.last_heartbeat_at,
    a.agent_version,
    a.instance_count,
    latest.on_demand_price,
    latest.current_spot_price,
    latest.cheapest_pool_id,
    latest.cheapest_pool_price,
    (
        SELECT COUNT(*) FROM commands AS pending
        WHERE pending.agent_id = a.id AND pending.status = 'pending'
    ) AS pending_commands,
    CASE
        WHEN a.current_mode = 'spot'
            AND latest.on_demand_price > 0
            AND latest.current_spot_price > 0
        THEN ROUND(
            (latest.on_demand_price - latest.current_spot_price)
            / latest.on_demand_price * 100, 1
        )
        ELSE 0
    END AS current_savings_pct,
    a.last_switch_at,
    limits.min_savings_percent,
    limits.risk_threshold,
    limits.max_switches_per_week
FROM agents AS a
JOIN clients AS c ON c.id = a.client_id
LEFT JOIN agent_configs AS limits ON limits.agent_id = a.id
LEFT JOIN pricing_reports AS latest ON latest.id = (
    SELECT report.id FROM pricing_reports AS report
    WHERE report.agent_id = a.id
    ORDER BY report.received_at DESC, report.id DESC
    LIMIT 1
)
$$
CREATE VIEW client_savings_summary AS
SELECT
    c.id AS client_id,
    c.name AS client_name,
    c.status,
    c.plan,
    COUNT(DISTINCT a.id) AS total_agents,
    COUNT(DISTINCT CASE WHEN a.status = 'online' THEN a.id END) AS online_agents,
    COUNT(DISTINCT CASE WHEN a.enabled = 1 THEN a.id END) AS enabled_agents,
    COALESCE(SUM(cost.savings), 0) AS total_savings_30d,
    COALESCE(SUM(cost.actual_cost), 0) AS total_cost_30d,
    COALESCE(SUM(cost.ondemand_cost), 0) AS total_ondemand_cost_30d,
    CASE
        WHEN SUM(cost.ondemand_cost) > 0
        THEN ROUND(SUM(cost.savings) / SUM(cost.ondemand_cost) * 100, 1)
        ELSE 0
    END AS savings_pct_30d,
    (
        SELECT COUNT(*) FROM switches AS recent
        WHERE recent.client_id = c.id AND recent.initiated_at >= {days_ago_30}
    ) AS switches_30d,
    c.total_savings AS total_savings_all_time
FROM clients AS c
LEFT JOIN agents AS a ON a.client_id = c.id
LEFT JOIN cost_records AS cost
    ON cost.agent_id = a.id AND cost.period_start >= {days_ago_30}
GROUP BY c.id, c.name, c.status, c.plan, c.total_savings
$$
CREATE VIEW recent_switches AS
SELECT
    s.id,
    s.client_id,
    c.name AS client_name,
    s.agent_id,
    a.logical_agent_id,
    s.old_instance_id,
    s.new_instance_id,
    s.old_mode,
    s.new_mode,
    s.old_pool_id,
    s.new_pool_id,
    s.event_trigger,
    s.savings_impact,
    s.on_demand_price,
    s.old_spot_price,
    s.new_spot_price,
    s.total_duration_seconds,
    s.downtime_seconds,
    s.success,
    s.initiated_at,
    s.timestamp AS completed_at
FROM switches AS s
JOIN clients AS c ON c.id = s.client_id
JOIN agents AS a ON a.id = s.agent_id
ORDER BY s.initiated_at DESC
$$
CREATE VIEW active_spot_pools AS
SELECT
    p.id AS pool_id,
    p.instance_type,
    p.region,
    p.az,
    p.is_active,
    (
        SELECT newest.price FROM spot_price_snapshots AS newest
        WHERE newest.pool_id = p.id
        ORDER BY newest.captured_at DESC, newest.id DESC
        LIMIT 1
    ) AS latest_price,
    (
        SELECT MAX(priced.captured_at) FROM spot_price_snapshots AS priced
        WHERE priced.pool_id = p.id
    ) AS price_updated_at,
    (
        SELECT COUNT(*) FROM agents AS a
        WHERE a.current_pool_id = p.id AND a.status = 'online' AND a.current_mode = 'spot'
    ) AS active_instances
FROM spot_pools AS p
WHERE p.is_active = 1
$$
-- Every snapshot counts once per agent of its client: known, and kept (contract/schema.md).
CREATE VIEW v_client_savings_summary AS
SELECT
    c.id AS client_id,
    c.name AS client_name,
    COALESCE(SUM(s.total_savings), 0) AS lifetime_savings,
    COALESCE(SUM(
        CASE WHEN s.snapshot_date >= {date_30_days_ago} THEN s.daily_savings ELSE 0 END
    ), 0) AS monthly_savings,
    COALESCE(SUM(
        CASE WHEN s.snapshot_date >= {date_7_days_ago} THEN s.daily_savings ELSE 0 END
    ), 0) AS weekly_savings,
    COALESCE(AVG(s.average_savings_percent), 0) AS avg_savings_percent,
    COUNT(DISTINCT a.id) AS agent_count,
    SUM(CASE WHEN a.status = 'online' THEN 1 ELSE 0 END) AS online_agents
FROM clients AS c
LEFT JOIN savings_snapshots AS s ON s.client_id = c.id
LEFT JOIN agents AS a ON a.client_id = c.id
GROUP BY c.id, c.name
$$
CREATE VIEW v_recent_termination_events AS
SELECT
    e.id,
    e.agent_id,
    e.instance_id,
    e.event_type,
    e.action_type,
    e.action_taken,
    e.emergency_replica_id,
    e.new_instance_id,
    e.detected_at,
    e.resolved_at,
    e.status,
    e.error_message,
    e.metadata,
    e.created_at,
    a.hostname,
    a.instance_type,
    c.name AS client_name
FROM termination_events AS e
JOIN agents AS a ON a.id = e.agent_id
JOIN clients AS c ON c.id = a.client_id
WHERE e.detected_at >= {days_ago_1}
ORDER BY e.detected_at DESC
$$
CREATE VIEW v_pool_risk_current AS
SELECT
    r.pool_id,
    r.instance_type,
    r.region,
    r.az,
    r.risk_score,
    r.price_volatility,
    r.avg_price_24h,
    r.recommendation,
    r.analysis_time
FROM pool_risk_analysis AS r
WHERE NOT EXISTS (
    SELECT 1 FROM pool_risk_analysis AS newer
    WHERE newer.pool_id = r.pool_id
        AND (
            newer.analysis_time > r.analysis_time
            OR (newer.analysis_time = r.analysis_time AND newer.id > r.id)
        )
)
