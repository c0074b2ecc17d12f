// Command report keeps the report of reliability: it runs a check, picks up the figures that the check prints, and says which row of the
// table they fill. With -record it puts them into docs/reliability.json, and writes the tables of docs/reliability.md and the README anew.
//
//	go run ./internal/report -record go run ./internal/crash -weir bin/weir -kills 1000
//	go run ./internal/report                # writes the tables anew
//
// A check prints its figures in lines like this one, whole numbers by their names behind the name of the row:
//
//	reliability: kills kills=1000 missing=0 restart_max_ms=1200
//
// Figures of several lines of one run are added up, but for those with max in their names, of which the largest counts. Those of fuzz
// targets (target=PACKAGE.NAME) are added to what earlier runs have recorded.
package main
