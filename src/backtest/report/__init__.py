"""One page that shows a backtest: no scripts, nothing from elsewhere."""
