module github.com/seed-16109ab2/rekey/examples

go 1.26.0

require github.com/seed-16109ab2/rekey v0.0.0

replace github.com/seed-16109ab2/rekey => ../

require github.com/alexedwards/argon2id v1.0.0 // indirect

require github.com/go-crypt/crypt v0.4.15 // indirect

require github.com/go-sql-driver/mysql v1.10.1

require github.com/google/go-cmp v0.7.0

require github.com/google/uuid v1.6.0

require github.com/jackc/pgx/v5 v5.12.0

require github.com/nyaruka/phonenumbers v1.8.1

require github.com/sony/gobreaker/v2 v2.4.0 // indirect

require github.com/uptrace/bun v1.3.0

require github.com/uptrace/bun/dialect/mysqldialect v1.3.0

require github.com/uptrace/bun/dialect/pgdialect v1.3.0

require github.com/uptrace/bun/dialect/sqlitedialect v1.3.0 // indirect

require golang.org/x/crypto v0.59.0

require golang.org/x/text v0.44.0

require (
	github.com/alexedwards/scs/v2 v2.9.0
	github.com/go-chi/chi/v5 v5.5.0
	golang.org/x/net v0.62.0
	golang.org/x/sys v0.50.0
	golang.org/x/term v0.48.0
	modernc.org/sqlite v1.62.0
)

require (
	filippo.io/edwards25519 v1.2.0 // indirect
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/go-crypt/x v0.4.17 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	github.com/jinzhu/inflection v1.0.0 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/puzpuzpuz/xsync/v3 v3.5.1 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	github.com/tmthrgd/go-hex v0.0.0-20190904060850-447a3041c3bc // indirect
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	golang.org/x/mod v0.42.0 // indirect
	golang.org/x/sync v0.25.0 // indirect
	google.golang.org/protobuf v1.36.11 // indirect
	modernc.org/libc v1.80.1 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
)
