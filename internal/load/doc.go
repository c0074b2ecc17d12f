// Command load measures a built server: how fast it takes fragments in and gives them back, and how much memory it has. It starts the server
// on data of its own, drives it over HTTP as cameras and viewers do, and prints a table in Markdown.
//
//	go run ./internal/load -weir bin/weir
//
// With -viewers it measures streaming sessions: what each resource costs, driven by wrk beside nginx, which sends the same bytes as ready
// files, and what many viewers of one live stream do.
package main
