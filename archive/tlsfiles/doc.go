// Package tlsfiles serves TLS with a certificate that is renewed while the server runs.
//
// The certificate and its private key are PEM files. [Certificate] follows both: a handshake that begins after Watch has seen a change
// is answered with the new pair, connections that are open stay as they are. While the two files do not belong together, which is so
// for a moment whenever they are written one after the other, and when they cannot be read or are broken, the old pair is served.
//
// The certificate file has the server's own certificate first, and behind it those that lead to a root. The key file must not be open
// to others than its owner and its group, but for Windows.
package tlsfiles
