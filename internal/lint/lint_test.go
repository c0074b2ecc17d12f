package lint

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Name       string
	GoFiles    []string
	Imports    []string
	Deps       []string
}

// list returns the packages of the module, the root first.
func list(t *testing.T) (module string, packages []pkg) {
	t.Helper()
	goList := func(args ...string) []byte {
		cmd := exec.Command("go", append([]string{"list"}, args...)...)
		cmd.Dir = filepath.Join("..", "..")
		out, err := cmd.Output()
		if err != nil {
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				t.Fatalf("go list: %v\n%s", err, exit.Stderr)
			}
			t.Fatal(err)
		}
		return out
	}
	module = strings.TrimSpace(string(goList("-m")))
	dec := json.NewDecoder(strings.NewReader(string(goList("-json=ImportPath,Dir,Name,GoFiles,Imports,Deps", "./..."))))
	for {
		var p pkg
		err := dec.Decode(&p)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 || packages[0].ImportPath != module {
		t.Fatalf("go list ./... does not begin with %s", module)
	}
	return module, packages
}

// arrows says what each package of the engine and of the archive may import beside the standard library. "." is the module's root. No
// package of the engine has check among them: it leans on readers by others.
var arrows = map[string][]string{
	"codec":                   {"github.com/Eyevinn/mp4ff/avc", "github.com/Eyevinn/mp4ff/hevc", "github.com/Eyevinn/mp4ff/aac"},
	"mkv":                     {"./codec"},
	"fmp4":                    {"./codec"},
	"ts":                      {"./codec"},
	"hls":                     nil,
	"dash":                    nil,
	"bench":                   nil,
	"bench/scale":             {"./archive/store", "./archive/store/local", "./archive/store/postgres", "./archive/store/sqlindex", "github.com/jackc/pgx/v5"},
	"docs":                    nil,
	".":                       {"./codec", "./mkv", "./fmp4", "./ts"},
	"archive":                 {".", "./codec", "./mkv", "./fmp4", "./hls", "./dash", "./archive/store", "./archive/images", "./archive/quota"},
	"archive/quota":           nil,
	"archive/images":          {"./codec", "./mkv", "golang.org/x/sys/unix"},
	"archive/store":           nil,
	"archive/store/memory":    {"./archive/store"},
	"archive/store/cached":    {"./archive/store", "github.com/maypok86/otter/v2"},
	"archive/store/storetest": {"./archive/store", "github.com/google/go-cmp/cmp", "github.com/google/go-cmp/cmp/cmpopts"},
	"check": {".", "./codec", "./mkv", "github.com/Eyevinn/mp4ff/mp4", "github.com/Eyevinn/mp4ff/bits",
		"github.com/asticode/go-astits", "github.com/grafov/m3u8"},
	"archive/sigv4":       nil,
	"archive/credentials": {"./archive/sigv4", "./internal/reload", "github.com/BurntSushi/toml"},
	"archive/tlsfiles":    {"./internal/reload"},
	"archive/putmedia":    {".", "./codec", "./mkv"},
	"archive/httpapi":     {"./archive", "./archive/credentials", "./archive/sigv4"},
	"archive/metrics": {"./archive", "./archive/httpapi", "./archive/store", "github.com/prometheus/client_golang/prometheus",
		"github.com/prometheus/client_golang/prometheus/collectors", "github.com/prometheus/client_golang/prometheus/promhttp"},
	"archive/console":                 {"./archive", "./archive/credentials"},
	"web":                             nil,
	"archive/store/pack":              {"./archive/store", "golang.org/x/sys/unix", "golang.org/x/sys/windows"},
	"archive/store/sqlindex":          {"./archive/store"},
	"archive/store/shared":            {"./archive/store", "./archive/store/sqlindex", "golang.org/x/sync/errgroup"},
	"archive/store/shared/sharedtest": {"./archive/store", "./archive/store/shared", "./archive/store/sqlindex", "modernc.org/sqlite"},
	"archive/store/postgres": {"./archive/store/sqlindex", "github.com/jackc/pgx/v5", "github.com/jackc/pgx/v5/pgconn",
		"github.com/jackc/pgx/v5/stdlib", "./internal/stall"},
	"archive/store/s3": {"./archive/store", "./archive/store/shared", "./internal/stall", "github.com/aws/aws-sdk-go-v2/aws", "github.com/aws/aws-sdk-go-v2/aws/signer/v4",
		"github.com/aws/aws-sdk-go-v2/aws/transport/http", "github.com/aws/aws-sdk-go-v2/aws/retry", "github.com/aws/aws-sdk-go-v2/config",
		"github.com/aws/aws-sdk-go-v2/service/s3", "github.com/aws/aws-sdk-go-v2/service/s3/types", "github.com/aws/smithy-go",
		"github.com/aws/smithy-go/logging"},
	"archive/store/verify":   {"./archive/store"},
	"archive/store/transfer": {"./archive/store"},
	"archive/store/local": {"./archive/store", "./archive/store/pack", "./archive/store/sqlindex", "golang.org/x/sys/unix",
		"golang.org/x/sys/windows", "modernc.org/sqlite", "modernc.org/sqlite/lib"},
}

// engine reports whether a package may use neither the network nor a logger nor a database. check reads what others serve, the archive serves,
// and bench/scale measures databases.
func engine(name string) bool {
	return name != "check" && name != "archive" && name != "bench/scale" && !strings.HasPrefix(name, "archive/")
}

// forbidden are packages that the engine does not lean on, not even by way of another package.
var forbidden = []string{"net", "net/http", "database/sql", "log", "log/slog"}

func TestArrows(t *testing.T) {
	module, packages := list(t)
	standard := func(path string) bool { first, _, _ := strings.Cut(path, "/"); return !strings.Contains(first, ".") }
	for _, p := range packages {
		name := short(module, p)
		allowed, known := arrows[name]
		if !known {
			if !strings.HasPrefix(name, "cmd/") && !strings.HasPrefix(name, "internal/") {
				t.Errorf("%s has no arrows: add it to the table", name)
			}
			continue
		}
		for _, path := range p.Imports {
			seen := path
			if path == module {
				seen = "."
			} else if rest, ok := strings.CutPrefix(path, module+"/"); ok {
				seen = "./" + rest
			}
			if !standard(path) && !slices.Contains(allowed, seen) {
				t.Errorf("%s imports %s", name, seen)
			}
			if path == "C" || path == "unsafe" {
				t.Errorf("%s imports %q", name, path)
			}
		}
		for _, path := range p.Deps {
			if slices.Contains(forbidden, path) && engine(name) {
				t.Errorf("%s depends on %s", name, path)
			}
		}
	}
}

func TestPackageComments(t *testing.T) {
	module, packages := list(t)
	for _, p := range packages {
		if len(p.GoFiles) == 0 {
			continue // tests alone
		}
		var comments []string
		parse(t, p, parser.PackageClauseOnly|parser.ParseComments, func(_ *token.FileSet, f *ast.File) {
			if f.Doc != nil {
				comments = append(comments, f.Doc.Text())
			}
		})
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + filepath.Base(p.Dir) + " "
		}
		switch {
		case len(comments) != 1:
			t.Errorf("%s has %d package comments, want 1", short(module, p), len(comments))
		case !strings.HasPrefix(comments[0], want):
			t.Errorf("%s: the package comment begins %.40q, want %q", short(module, p), comments[0], want)
		}
	}
}

// TestForbiddenCalls looks for what ends or writes on behalf of the program that imports a library.
func TestForbiddenCalls(t *testing.T) {
	module, packages := list(t)
	for _, p := range packages {
		if p.Name == "main" {
			continue // it is the program
		}
		parse(t, p, parser.SkipObjectResolution, func(fset *token.FileSet, f *ast.File) {
			ast.Inspect(f, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && isForbidden(call) {
					at := fset.Position(call.Pos())
					t.Errorf("%s:%d: a library must not call this", filepath.Join(short(module, p), filepath.Base(at.Filename)), at.Line)
				}
				return true
			})
		})
	}
}

func isForbidden(call *ast.CallExpr) bool {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name == "panic" && !abortsAnswer(call.Args) || f.Name == "print" || f.Name == "println"
	case *ast.SelectorExpr:
		of, ok := f.X.(*ast.Ident)
		if !ok {
			return false
		}
		switch of.Name {
		case "os":
			return f.Sel.Name == "Exit"
		case "fmt":
			return strings.HasPrefix(f.Sel.Name, "Print")
		case "log":
			return strings.HasPrefix(f.Sel.Name, "Fatal") || strings.HasPrefix(f.Sel.Name, "Panic") || strings.HasPrefix(f.Sel.Name, "Print")
		}
	}
	return false
}

// abortsAnswer reports whether a panic is what net/http wants of a handler that can only break its connection.
func abortsAnswer(args []ast.Expr) bool {
	sel, ok := args[0].(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "ErrAbortHandler"
}

// TestIsForbidden sees to it that the test above can fail.
func TestIsForbidden(t *testing.T) {
	for text, want := range map[string]bool{
		"panic(1)": true, "os.Exit(1)": true, "fmt.Println()": true, "log.Fatalf(``)": true, "println()": true, "panic(err)": true,
		"panic(http.ErrAbortHandler)": false,
		"fmt.Errorf(``)":              false, "os.Open(``)": false, "p.panic()": false,
	} {
		expr, err := parser.ParseExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := isForbidden(expr.(*ast.CallExpr)); got != want {
			t.Errorf("isForbidden(%s) = %v, want %v", text, got, want)
		}
	}
}

// short returns the package's folder in the module, "." for the root.
func short(module string, p pkg) string {
	if p.ImportPath == module {
		return "."
	}
	return strings.TrimPrefix(p.ImportPath, module+"/")
}

func parse(t *testing.T, p pkg, mode parser.Mode, visit func(*token.FileSet, *ast.File)) {
	t.Helper()
	fset := token.NewFileSet()
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, mode)
		if err != nil {
			t.Fatal(err)
		}
		visit(fset, f)
	}
}
