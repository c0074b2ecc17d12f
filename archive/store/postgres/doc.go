// Package postgres is the index of an archive in a PostgreSQL database, which any number of servers use at once.
package postgres
