// Package s3 keeps an archive's fragments in a bucket of S3, or of another store that speaks its protocol.
package s3
