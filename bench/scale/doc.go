// Command scale measures how the cost of an archive's index grows with its size. It loads rows in steps, of one stream and over many
// streams, into the SQLite of archive/store/local and, with -postgres, into the PostgreSQL of archive/store/postgres, and measures at
// each size what a server asks of them: look-ups, pages, the live edge, appends, retention, and how large they are.
//
//	go run ./bench/scale -rows 100000 -data out/growth
//
// What it measures goes into growth.json of the folder that -out names, with -plot also into growth.svg and into the table of growth.md.
// scripts/growth.sh, which is "make growth", starts a PostgreSQL for it.
package main
