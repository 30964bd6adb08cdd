CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE account (
    account_no INTEGER NOT NULL,
    account_id VARCHAR(64) NOT NULL,
    namespace TEXT NOT NULL,
    exchange TEXT NOT NULL,
    settle_asset TEXT NOT NULL,
    lease_epoch BIGINT NOT NULL,
    lease_owner TEXT NOT NULL,
    head_seq BIGINT NOT NULL,
    head_hash BLOB NOT NULL,
    session_id TEXT,
    working_from BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    next_intent BIGINT NOT NULL,
    next_sequence BIGINT NOT NULL,
    stream_epoch BIGINT NOT NULL,
    trading_state TEXT NOT NULL,
    trading_reason TEXT NOT NULL,
    day BIGINT NOT NULL,
    day_start_equity TEXT NOT NULL,
    peak_equity TEXT NOT NULL,
    max_drawdown TEXT NOT NULL,
    realized_pnl TEXT NOT NULL,
    commission TEXT NOT NULL,
    funding TEXT NOT NULL,
    transfers TEXT NOT NULL,
    breaches BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    income_ms BIGINT NOT NULL,
    CONSTRAINT pk_account PRIMARY KEY (account_no),
    CONSTRAINT uq_account_account_id UNIQUE (account_id)
);

CREATE TABLE portfolios (
    portfolio_id VARCHAR(64) NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_portfolios PRIMARY KEY (portfolio_id)
);

CREATE TABLE alarms (
    account_no INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    CONSTRAINT pk_alarms PRIMARY KEY (account_no, seq),
    CONSTRAINT fk_alarms_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no)
)
 WITHOUT ROWID;

CREATE TABLE equity_points (
    account_no INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    session_id TEXT,
    wallet TEXT NOT NULL,
    unrealized_pnl TEXT NOT NULL,
    exposure TEXT NOT NULL,
    CONSTRAINT pk_equity_points PRIMARY KEY (account_no, seq),
    CONSTRAINT fk_equity_points_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no)
)
 WITHOUT ROWID;

CREATE TABLE fills (
    account_no INTEGER NOT NULL,
    client_order_id TEXT NOT NULL,
    symbol VARCHAR(32) NOT NULL,
    trade_id BIGINT NOT NULL,
    exchange_order_id BIGINT NOT NULL,
    side TEXT NOT NULL,
    position_side TEXT NOT NULL,
    price TEXT NOT NULL,
    quantity TEXT NOT NULL,
    realized_pnl TEXT NOT NULL,
    commission TEXT NOT NULL,
    commission_asset TEXT NOT NULL,
    is_maker BOOLEAN NOT NULL,
    traded_ms BIGINT NOT NULL,
    strategy_id TEXT NOT NULL,
    CONSTRAINT pk_fills PRIMARY KEY (account_no, symbol, trade_id),
    CONSTRAINT fk_fills_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no)
)
 WITHOUT ROWID;

CREATE TABLE income (
    account_no INTEGER NOT NULL,
    transaction_id BIGINT NOT NULL,
    income_type VARCHAR(64) NOT NULL,
    asset VARCHAR(32) NOT NULL,
    amount TEXT NOT NULL,
    symbol TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    CONSTRAINT pk_income PRIMARY KEY (account_no, transaction_id, income_type, asset),
    CONSTRAINT fk_income_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no)
)
 WITHOUT ROWID;

CREATE TABLE journal (
    record_no INTEGER NOT NULL,
    account_no INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    kind TEXT NOT NULL,
    "key" TEXT NOT NULL,
    payload BLOB NOT NULL,
    prev_hash BLOB NOT NULL,
    hash BLOB NOT NULL,
    CONSTRAINT pk_journal PRIMARY KEY (record_no),
    CONSTRAINT fk_journal_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no)
);

CREATE TABLE lots (
    account_no INTEGER NOT NULL,
    symbol VARCHAR(32) NOT NULL,
    position_side VARCHAR(8) NOT NULL,
    place INTEGER NOT NULL,
    quantity TEXT NOT NULL,
    price TEXT NOT NULL,
    commission TEXT NOT NULL,
    opened_ms BIGINT NOT NULL,
    strategy_id TEXT NOT NULL,
    trade_id BIGINT NOT NULL,
    CONSTRAINT pk_lots PRIMARY KEY (account_no, symbol, position_side, place),
    CONSTRAINT fk_lots_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no)
)
 WITHOUT ROWID;

CREATE TABLE orders (
    order_no INTEGER NOT NULL,
    account_no INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    order_type TEXT NOT NULL,
    quantity TEXT NOT NULL,
    purpose TEXT NOT NULL,
    strategy_id TEXT NOT NULL,
    reference_price TEXT NOT NULL,
    limit_price TEXT,
    stop_price TEXT,
    time_in_force TEXT,
    reduce_only BOOLEAN NOT NULL,
    position_side TEXT NOT NULL,
    working_type TEXT NOT NULL,
    stop_loss_price TEXT,
    take_profit_price TEXT,
    ticket_reason TEXT NOT NULL,
    client_order_id VARCHAR(64) NOT NULL,
    timestamp_ms BIGINT NOT NULL,
    recv_window_ms BIGINT NOT NULL,
    session_id TEXT NOT NULL,
    intent BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    status TEXT NOT NULL,
    attempt_state TEXT NOT NULL,
    cancel_state TEXT NOT NULL,
    exchange_order_id BIGINT,
    algo_id BIGINT,
    filled_quantity TEXT NOT NULL,
    filled_cost TEXT NOT NULL,
    claimed_quantity TEXT NOT NULL,
    realized_pnl TEXT NOT NULL,
    commission TEXT NOT NULL,
    updated_ms BIGINT NOT NULL,
    reason TEXT NOT NULL,
    trade_ids TEXT NOT NULL,
    settled BOOLEAN NOT NULL,
    CONSTRAINT pk_orders PRIMARY KEY (order_no),
    CONSTRAINT fk_orders_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no),
    CONSTRAINT uq_orders_account_no_client_order_id UNIQUE (account_no, client_order_id)
);

CREATE INDEX ix_orders_exchange_order_id ON orders (exchange_order_id) WHERE exchange_order_id IS NOT NULL;

CREATE TABLE outbox_cursor (
    account_no INTEGER NOT NULL,
    consumer VARCHAR(64) NOT NULL,
    seq BIGINT NOT NULL,
    CONSTRAINT pk_outbox_cursor PRIMARY KEY (account_no, consumer),
    CONSTRAINT fk_outbox_cursor_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no)
)
 WITHOUT ROWID;

CREATE TABLE positions (
    account_no INTEGER NOT NULL,
    symbol VARCHAR(32) NOT NULL,
    position_side VARCHAR(8) NOT NULL,
    quantity TEXT NOT NULL,
    cost TEXT NOT NULL,
    realized_pnl TEXT NOT NULL,
    commission TEXT NOT NULL,
    funding TEXT NOT NULL,
    strategy_id TEXT NOT NULL,
    stop_loss_price TEXT,
    take_profit_price TEXT,
    opened_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    CONSTRAINT pk_positions PRIMARY KEY (account_no, symbol, position_side),
    CONSTRAINT fk_positions_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no)
)
 WITHOUT ROWID;

CREATE TABLE recovery_reports (
    account_no INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    cause TEXT NOT NULL,
    orders_checked BIGINT NOT NULL,
    fills_added BIGINT NOT NULL,
    income_added BIGINT NOT NULL,
    unresolved BIGINT NOT NULL,
    differences BIGINT NOT NULL,
    agrees BOOLEAN NOT NULL,
    CONSTRAINT pk_recovery_reports PRIMARY KEY (account_no, seq),
    CONSTRAINT fk_recovery_reports_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no)
)
 WITHOUT ROWID;

CREATE TABLE round_trips (
    trip_no INTEGER NOT NULL,
    account_no INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    strategy_id TEXT NOT NULL,
    side TEXT NOT NULL,
    quantity TEXT NOT NULL,
    entry_price TEXT NOT NULL,
    exit_price TEXT NOT NULL,
    pnl TEXT NOT NULL,
    commission TEXT NOT NULL,
    opened_ms BIGINT NOT NULL,
    closed_ms BIGINT NOT NULL,
    entry_trade_id BIGINT NOT NULL,
    exit_trade_id BIGINT NOT NULL,
    CONSTRAINT pk_round_trips PRIMARY KEY (trip_no),
    CONSTRAINT fk_round_trips_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no)
);

CREATE TABLE sessions (
    session_no INTEGER NOT NULL,
    account_no INTEGER NOT NULL,
    session_id VARCHAR(64) NOT NULL,
    options TEXT NOT NULL,
    status TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    stopped_ms BIGINT,
    resume_paused BOOLEAN NOT NULL,
    reason TEXT NOT NULL,
    total_trades BIGINT NOT NULL,
    winning_trades BIGINT NOT NULL,
    losing_trades BIGINT NOT NULL,
    total_pnl TEXT NOT NULL,
    total_commission TEXT NOT NULL,
    total_funding TEXT NOT NULL,
    peak_equity TEXT NOT NULL,
    max_drawdown TEXT NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (session_no),
    CONSTRAINT fk_sessions_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no),
    CONSTRAINT uq_sessions_account_no_session_id UNIQUE (account_no, session_id)
);

CREATE TABLE symbols (
    account_no INTEGER NOT NULL,
    symbol VARCHAR(32) NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    confirmed_trade_id BIGINT NOT NULL,
    last_trade_id BIGINT NOT NULL,
    CONSTRAINT pk_symbols PRIMARY KEY (account_no, symbol),
    CONSTRAINT fk_symbols_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no)
)
 WITHOUT ROWID;

CREATE TABLE wallets (
    account_no INTEGER NOT NULL,
    asset VARCHAR(32) NOT NULL,
    amount TEXT NOT NULL,
    CONSTRAINT pk_wallets PRIMARY KEY (account_no, asset),
    CONSTRAINT fk_wallets_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no)
)
 WITHOUT ROWID;

INSERT INTO alembic_version (version_num) VALUES ('0001') RETURNING version_num;

ALTER TABLE orders ADD COLUMN close_position BOOLEAN DEFAULT 0 NOT NULL;

ALTER TABLE orders ADD COLUMN good_till_ms BIGINT;

ALTER TABLE orders ADD COLUMN activation_price TEXT;

ALTER TABLE orders ADD COLUMN callback_pct TEXT;

ALTER TABLE orders ADD COLUMN parent_id VARCHAR(64);

ALTER TABLE orders ADD COLUMN modify_state TEXT DEFAULT 'NONE' NOT NULL;

ALTER TABLE orders ADD COLUMN wanted_price TEXT;

ALTER TABLE orders ADD COLUMN wanted_quantity TEXT;

ALTER TABLE orders ADD COLUMN modify_deadline_ms BIGINT;

ALTER TABLE positions ADD COLUMN stop_waived BOOLEAN DEFAULT 0 NOT NULL;

ALTER TABLE positions ADD COLUMN target_waived BOOLEAN DEFAULT 0 NOT NULL;

CREATE TABLE parents (
    account_no INTEGER NOT NULL,
    parent_id VARCHAR(64) NOT NULL,
    ticket TEXT NOT NULL,
    session_id TEXT NOT NULL,
    intent BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    status TEXT NOT NULL,
    filled_quantity TEXT NOT NULL,
    filled_cost TEXT NOT NULL,
    slices_done BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,
    replaced TEXT NOT NULL,
    updated_ms BIGINT NOT NULL,
    reason TEXT NOT NULL,
    settled BOOLEAN NOT NULL,
    CONSTRAINT pk_parents PRIMARY KEY (account_no, parent_id),
    CONSTRAINT fk_parents_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no)
)
 WITHOUT ROWID;

UPDATE alembic_version SET version_num='0002' WHERE alembic_version.version_num = '0001';

CREATE TABLE candles (
    account_no INTEGER NOT NULL,
    symbol VARCHAR(32) NOT NULL,
    timeframe VARCHAR(8) NOT NULL,
    open_ms BIGINT NOT NULL,
    open TEXT NOT NULL,
    high TEXT NOT NULL,
    low TEXT NOT NULL,
    close TEXT NOT NULL,
    volume TEXT NOT NULL,
    CONSTRAINT pk_candles PRIMARY KEY (account_no, symbol, timeframe, open_ms),
    CONSTRAINT fk_candles_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no)
)
 WITHOUT ROWID;

UPDATE alembic_version SET version_num='0003' WHERE alembic_version.version_num = '0002';

ALTER TABLE fills ADD COLUMN margin_asset TEXT DEFAULT '' NOT NULL;

UPDATE alembic_version SET version_num='0004' WHERE alembic_version.version_num = '0003';

CREATE TABLE new_fills (
    account_no INTEGER NOT NULL,
    client_order_id TEXT NOT NULL,
    symbol VARCHAR(32) NOT NULL,
    trade_id BIGINT NOT NULL,
    exchange_order_id BIGINT NOT NULL,
    side TEXT NOT NULL,
    position_side TEXT NOT NULL,
    price TEXT NOT NULL,
    quantity TEXT NOT NULL,
    realized_pnl TEXT NOT NULL,
    commission TEXT NOT NULL,
    commission_asset TEXT NOT NULL,
    is_maker BOOLEAN NOT NULL,
    traded_ms BIGINT NOT NULL,
    strategy_id TEXT NOT NULL,
    margin_asset TEXT NOT NULL,
    CONSTRAINT pk_fills PRIMARY KEY (account_no, symbol, trade_id, side),
    CONSTRAINT fk_fills_account_no_account FOREIGN KEY(account_no) REFERENCES account (account_no)
)
 WITHOUT ROWID;

INSERT INTO new_fills (account_no, client_order_id, symbol, trade_id, exchange_order_id, side, position_side, price, quantity, realized_pnl, commission, commission_asset, is_maker, traded_ms, strategy_id, margin_asset) SELECT account_no, client_order_id, symbol, trade_id, exchange_order_id, side, position_side, price, quantity, realized_pnl, commission, commission_asset, is_maker, traded_ms, strategy_id, margin_asset FROM fills;

DROP TABLE fills;

ALTER TABLE new_fills RENAME TO fills;

UPDATE alembic_version SET version_num='0005' WHERE alembic_version.version_num = '0004';
