// Package web has the files of the console's page: those that `make build` made with npm, or a page that says how to.
package web

import (
	"embed"
	"io/fs"
)

// dist has nothing but its .gitignore until the console is built, which is enough to be embedded.
//
//go:embed all:dist placeholder
var files embed.FS

// Files returns the page: index.html and what it needs. built is false for the one that stands in for it.
func Files() (page fs.FS, built bool) {
	dir := "dist/console"
	if _, err := fs.Stat(files, dir+"/index.html"); err != nil {
		dir = "placeholder"
	} else {
		built = true
	}
	page, _ = fs.Sub(files, dir) // whose name is valid
	return page, built
}
