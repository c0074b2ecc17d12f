package sqlindex

// migrations make the schema of each version from the one before. A version that was released is not changed any more.
var migrations = [][]string{{
	`CREATE TABLE streams (id INT64 PRIMARY KEY, account STRING NOT NULL, name STRING NOT NULL, device_name STRING NOT NULL,
		media_type STRING NOT NULL, kms_key_id STRING NOT NULL, storage_tier STRING NOT NULL, retention_ns INT64 NOT NULL,
		created_ms INT64 NOT NULL, version STRING NOT NULL, tags STRING NOT NULL, UNIQUE (account, name))`,
	`CREATE TABLE heads (stream INT64 PRIMARY KEY, reserved INT64 NOT NULL, largest INT64 NOT NULL, seq INT64 NOT NULL, ord INT64 NOT NULL,
		gaps INT64 NOT NULL, codecs INT64 NOT NULL, ctime_ns INT64 NOT NULL, codec_ctime_ns INT64 NOT NULL, start_ns INT64 NOT NULL, end_ns INT64 NOT NULL,
		server_start_ns INT64 NOT NULL, codec INT64 NOT NULL, newest_us INT64 NOT NULL, pack INT64 NOT NULL)`,
	`CREATE TABLE codecs (id INT64 PRIMARY KEY, stream INT64 NOT NULL, hash BYTES NOT NULL, delay BYTES NOT NULL, UNIQUE (stream, hash))`,
	`CREATE TABLE fragments (stream INT64 NOT NULL, counter INT64 NOT NULL, millis INT64 NOT NULL, random INT64 NOT NULL,
		server_us INT64 NOT NULL, producer_us INT64 NOT NULL, start_ns INT64 NOT NULL, end_ns INT64 NOT NULL, length_ns INT64 NOT NULL, size INT64 NOT NULL,
		codec INT64 NOT NULL, flags INT64 NOT NULL, settled BYTES, server_start_ns INT64 NOT NULL, seq INT64 NOT NULL, live INT64 NOT NULL,
		ord INT64 NOT NULL, brk INT64 NOT NULL, gaps INT64 NOT NULL, codecs INT64 NOT NULL, ctime_ns INT64 NOT NULL,
		codec_ctime_ns INT64 NOT NULL, blob_key INT64 NOT NULL, blob_offset INT64 NOT NULL, blob_sum INT64 NOT NULL, PRIMARY KEY (stream, counter)) CLUSTERED`,
	`CREATE INDEX fragments_server ON fragments (stream, server_us, counter)`,
	`CREATE INDEX fragments_producer ON fragments (stream, producer_us, counter)`,
	`CREATE UNIQUE INDEX fragments_seq ON fragments (stream, seq)`,
	`CREATE UNIQUE INDEX fragments_ord ON fragments (stream, ord) WHERE live = 1`,
	`CREATE INDEX fragments_time ON fragments (stream, ctime_ns, counter) WHERE live = 1`,
	`CREATE TABLE packs (id INT64 PRIMARY KEY, class INT64 NOT NULL, slot INT64 NOT NULL, size INT64 NOT NULL, total INT64 NOT NULL,
		live INT64 NOT NULL, live_rows INT64 NOT NULL, sealed INT64 NOT NULL)`,
	`CREATE TABLE doomed (stream INT64 PRIMARY KEY)`,
}}

// Version is that of the schema.
var Version = int64(len(migrations))
