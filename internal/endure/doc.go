// Command endure puts a built server to what it has to endure for long: many sessions and uploads, readers that hardly read, damage of what is
// stored, and requests whose answers may never differ. Each of its parts prints a line of figures for internal/report, and fails when
// anything is wrong.
//
//	go run ./internal/endure soak -sessions 40000 -uploads 10000
//	go run ./internal/endure slow -readers 1000
//	go run ./internal/endure flips -flips 10000
//	go run ./internal/endure same
//	go run ./internal/endure seeds
package main
