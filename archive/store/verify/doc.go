// Package verify holds what an archive has of bytes against its index.
package verify
