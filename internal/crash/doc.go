// Command crash kills a built server again and again while producers upload to it, and after each restart looks whether all that was
// acknowledged is there, whole and once. Then it fills a small file system up and sees whether the server gets over it. It prints rows of a
// table in Markdown, with lines for internal/report, and fails when anything is wrong.
//
//	go run ./internal/crash -weir bin/weir -kills 200
//
// With twins behind the flags it has two servers share an archive over engines that scripts/scale.sh has started, and kills one at a time
// while viewers play what both serve. With chaos it has the network between a server and its engines fail, and the engines end.
package main
