CREATE EVENT evt_mark_stale_agents
ON SCHEDULE EVERY 1 MINUTE
DO
    UPDATE agents SET status = 'offline'
    WHERE status = 'online' AND last_heartbeat_at < NOW() - INTERVAL 5 MINUTE
$$
CREATE EVENT evt_calculate_daily_savings
ON SCHEDULE EVERY 1 DAY STARTS CURRENT_DATE + INTERVAL 1 DAY
DO CALL sp_calculate_daily_savings(CURRENT_DATE - INTERVAL 1 DAY)
$$
CREATE EVENT evt_compute_monthly_savings
ON SCHEDULE EVERY 1 DAY STARTS CURRENT_DATE + INTERVAL 1 DAY + INTERVAL 1 HOUR
DO CALL compute_monthly_savings()
$$
CREATE EVENT evt_daily_cleanup
ON SCHEDULE EVERY 1 DAY STARTS CURRENT_DATE + INTERVAL 1 DAY + INTERVAL 2 HOUR
DO CALL cleanup_old_data()
$$
CREATE EVENT evt_update_total_savings
ON SCHEDULE EVERY 1 DAY STARTS CURRENT_DATE + INTERVAL 1 DAY + INTERVAL 3 HOUR
DO CALL update_client_total_savings()
$$
CREATE EVENT evt_cleanup_old_metrics
ON SCHEDULE EVERY 1 WEEK
DO CALL sp_cleanup_old_metrics(30)
