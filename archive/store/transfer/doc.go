// Package transfer copies an archive into another one, of the same kind or not.
package transfer
