package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What the documentation says to do is done here. The blocks of a page become one script, which bash runs in an empty folder from the
// first to the last, so that a block has what those before it made. An indented block is of the shell, as a fenced one of sh is. Fenced
// ones of python, go and js are programs that run at their place; one of text is what the block before it prints, where "…" stands for
// anything. What is different from what a reader does is below, rule by rule.

// docPages are the pages whose blocks are run, and the section that they are in; "" is the whole page. before is what a page
// takes for granted.
var docPages = []struct{ path, section, before string }{
	{path: "README.md", section: "The archive server"},
	{path: "docs/quickstart.md"},
	{path: "docs/producers.md"},
	{path: "docs/sdks.md"},
	{path: "docs/players.md", before: aServer + aCamera + keysOfAny},
	{path: "docs/images.md", before: aServer + "weir put --create door testdata/sample.mkv --start 2026-01-01T12:00:00Z\n" + keysOfAny},
}

const (
	aServer   = "weir serve --data out/archive &\n"
	aCamera   = "weir put --create --realtime --loop door testdata/sample.mkv &\n"
	keysOfAny = "export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-west-2\n"
)

// notRun has the blocks that are not run, by how they begin, and why. Each has to be there.
var notRun = []struct{ page, begins, why string }{
	{"docs/quickstart.md", "make build", "run.sh has built it"},
	{"docs/quickstart.md", "PERSISTED ", "it is an output, whose number is another each time"},
	{"docs/producers.md", "export CONTROL_PLANE_URI", "the SDK is not here; TestProducerPage sends what it sends"},
	{"docs/producers.md", "POST /putMedia", "TestProducerPage sends it"},
	{"docs/players.md", "<video", "it is of pages; play/ has such pages play"},
	{"docs/players.md", "make play", "it is the players' own check, which takes minutes"},
}

// replaced has texts that stand for something that is not here.
var replaced = []struct{ text, by, why string }{
	{"rtspsrc location=rtsp://camera/stream ! rtph264depay", "filesrc location=testdata/h264-nob.mkv ! matroskademux", "there is no camera"},
	{"rtsp://camera/stream", "testdata/sample.mkv", "there is no camera"},
	{"ffmpeg -i ", "ffmpeg -nostdin -v error -i ", "it would read the script as keys that are pressed"},
}

// shims are commands that do something else here, found before the real ones.
var shims = map[string]string{
	// It plays without end, and wants a screen: one that reads the tracks and decodes a second takes its place.
	"ffplay": `got=$(ffprobe -v error -read_intervals %+1 -count_frames -show_entries stream=codec_type,nb_read_frames -of csv=p=0 "$1")
echo "$got"; [[ $got == *video,[1-9]* ]]`,
	// It listens on port 8080, which may be another's.
	"weir": `[ "$1" != serve ] || case " $* " in *" --listen "*) ;; *) set -- "$@" --listen 127.0.0.1:8080;; esac; exec "$WEIR" "$@"`,
}

// waits are what a reader waits for without being told, behind a line that matches.
var waits = []struct {
	line    *regexp.Regexp
	command string
}{
	{regexp.MustCompile(`^weir serve .*:8443 .*&`), `await curl -fsS --cacert cert.pem https://127.0.0.1:8443/readyz`},
	{regexp.MustCompile(`^(bin/)?weir serve .*&`), `await curl -fsS http://127.0.0.1:8080/readyz`},
	{regexp.MustCompile(`^(bin/)?weir put .*--loop door .*&`), `await fragments`},
}

// docScript begins each script. A command that is put into the background has to be running, or to have ended well, when the page is over.
const docScript = `set -eEuo pipefail
at=start background=()
trap 'echo "$at: $BASH_COMMAND" >&9' ERR
await() { # COMMAND..., until it succeeds, or the last background command is no more, or a minute is over
  local end=$((SECONDS + 60))
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $end ] || ! kill -0 "${background[-1]}" 2>/dev/null; then echo "$at: nothing comes: $*" >&9; exit 1; fi
    sleep 0.1
  done
}
fragments() { curl -fsS http://127.0.0.1:8080/listFragments -d '{"StreamName": "door"}' | grep -q FragmentNumber; }
`

const docScriptEnd = `at=end
for i in "${!background[@]}"; do
  kill -0 "${background[i]}" 2>/dev/null || wait "${background[i]}" || { echo "in the background: command $((i + 1)) failed" >&9; exit 1; }
done
`

// block is a block of a page.
type block struct {
	line     int    // of the page, where it begins
	language string // "" is an indented one
	text     string
}

// blocks returns what stands in fences and what is indented by four, below the heading of the section.
func blocks(page, section string) (all []block) {
	var last *block
	fenced, inside, blank := false, section == "", true
	for i, line := range strings.Split(page, "\n") {
		switch {
		case fenced && line == "```":
			fenced, last = false, nil
		case fenced:
			last.text += line + "\n"
		case strings.HasPrefix(line, "## ") && section != "":
			inside = line == "## "+section
		case !inside:
		case strings.HasPrefix(line, "```"):
			all = append(all, block{i + 2, line[3:], ""})
			fenced, last = true, &all[len(all)-1]
		case strings.HasPrefix(line, "    ") && (last != nil || blank):
			if last == nil {
				all = append(all, block{i + 1, "", ""})
				last = &all[len(all)-1]
			}
			last.text += line[4:] + "\n"
		case line != "":
			last = nil
		case last != nil:
			last.text += "\n"
		}
		blank = line == ""
	}
	return all
}

// docRun is a page that is run.
type docRun struct {
	name, dir string
	ports     map[string]string // what stands in the place of addresses
	all       []block
}

// docPage runs the blocks of a page and returns what is wrong.
func docPage(t *testing.T, name string, all []block) error {
	d := &docRun{name, t.TempDir(), map[string]string{}, all}
	if err := d.prepare(); err != nil {
		return err
	}
	script, err := d.script()
	if err != nil {
		return err
	}
	if err := d.run(t, script); err != nil {
		return err
	}
	return d.outputs()
}

// put puts what is here in the place of what the page has.
func (d *docRun) put(text string) string {
	for was, is := range d.ports {
		text = strings.ReplaceAll(text, was, is)
	}
	for _, r := range replaced {
		text = strings.ReplaceAll(text, r.text, r.by)
	}
	return text
}

// prepare chooses ports and fills the folder.
func (d *docRun) prepare() error {
	var listeners []net.Listener
	for _, port := range []string{"8080", "8443"} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		listeners = append(listeners, ln)
		d.ports["127.0.0.1:"+port] = ln.Addr().String()
	}
	for _, ln := range listeners { // after all of them, so that no port is given twice
		ln.Close()
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(d.dir, "bin"), 0o755); err != nil {
		return err
	}
	for command, text := range shims {
		text = "#!/bin/bash\nset -e\n" + d.put(text) + "\n"
		if err := os.WriteFile(filepath.Join(d.dir, "bin", command), []byte(text), 0o755); err != nil {
			return err
		}
	}
	for link, to := range map[string]string{
		"bin/aws": site.AWS, "bin/python3": site.Python,
		"testdata": filepath.Join(here, "../testdata"), "node_modules": filepath.Join(here, "js/node_modules"),
	} {
		if filepath.Base(to) == to {
			if to, err = exec.LookPath(to); err != nil {
				return err
			}
		}
		if err := os.Symlink(to, filepath.Join(d.dir, link)); err != nil {
			return err
		}
	}
	return nil
}

// script returns the page as a script. What block i prints is in out.i.
func (d *docRun) script() (string, error) {
	var script strings.Builder
	script.WriteString(d.put(docScript))
	for i, b := range d.all {
		where := fmt.Sprintf("%s:%d", d.name, b.line)
		var run string
		switch b.language {
		case "", "sh":
			run = d.shell(b.text)
		case "python", "go", "js":
			file := fmt.Sprintf("block%d.%s", i, map[string]string{"python": "py", "go": "go", "js": "mjs"}[b.language])
			if err := os.WriteFile(filepath.Join(d.dir, file), []byte(d.put(b.text)), 0o644); err != nil {
				return "", err
			}
			run = map[string]string{ // the SDK for Go is of this module
				"python": "python3 " + file, "js": "node --no-warnings " + file,
				"go": fmt.Sprintf(`program=$PWD/%s; (cd "$E2E" && go build -o "$program.exe" "$program"); ./%[1]s.exe`, file),
			}[b.language]
		case "text":
			if i == 0 || d.all[i-1].language == "text" {
				return "", fmt.Errorf("%s: no block stands before this output", where)
			}
			continue
		default:
			return "", fmt.Errorf("%s: a block of %q is neither run nor listed", where, b.language)
		}
		fmt.Fprintf(&script, "at=%s\n{\n%s\n} >out.%d 2>&1\n", where, run, i)
	}
	script.WriteString(docScriptEnd)
	return script.String(), nil
}

// shell returns a block of the shell with what is done behind its lines.
func (d *docRun) shell(text string) string {
	var run strings.Builder
	for line := range strings.Lines(text) {
		run.WriteString(d.put(line))
		if background.MatchString(line) {
			run.WriteString("background+=($!)\n")
		}
		for _, w := range waits {
			if w.line.MatchString(line) {
				run.WriteString(d.put(w.command) + "\n")
				break
			}
		}
	}
	return run.String()
}

// background is a line whose command goes on behind it.
var background = regexp.MustCompile(`&(\s+#.*)?\n$`)

// run runs the script, and ends what it has left in the background.
func (d *docRun) run(t *testing.T, script string) error {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	bash := exec.CommandContext(ctx, "bash", "-c", script)
	bash.Dir = d.dir
	bash.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	bash.Env = append(os.Environ(),
		"PATH="+filepath.Join(d.dir, "bin")+":"+os.Getenv("PATH"), "HOME="+filepath.Join(d.dir, "home"), "AWS_PAGER=",
		"WEIR="+filepath.Join(site.Dir, "weir"), "E2E="+here, "WEIR_ENDPOINT=http://"+d.ports["127.0.0.1:8080"])
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} { // which follow HOME
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			return err
		}
		bash.Env = append(bash.Env, name+"="+strings.TrimSpace(string(value)))
	}
	failures, err := os.Create(filepath.Join(d.dir, "failures"))
	if err != nil {
		return err
	}
	defer failures.Close()
	for range 7 { // the last one is descriptor 9
		bash.ExtraFiles = append(bash.ExtraFiles, failures)
	}
	if err := bash.Start(); err != nil {
		return err
	}
	err = bash.Wait()
	if kill := syscall.Kill(-bash.Process.Pid, syscall.SIGKILL); kill != nil && !errors.Is(kill, syscall.ESRCH) {
		t.Error(kill)
	}
	if err == nil {
		return nil
	}
	said, _ := os.ReadFile(failures.Name())
	text := fmt.Appendf(nil, "%s: %v\n%s", d.name, err, said)
	for i, b := range d.all {
		out, err := os.ReadFile(filepath.Join(d.dir, fmt.Sprintf("out.%d", i)))
		if err == nil && strings.Contains(string(said), fmt.Sprintf("%s:%d:", d.name, b.line)) {
			text = fmt.Appendf(text, "--- what block %d printed\n%s", i+1, out[max(0, len(out)-4000):])
		}
	}
	return errors.New(string(text))
}

// outputs compares the outputs that the page has with what was printed.
func (d *docRun) outputs() error {
	for i, b := range d.all {
		if b.language != "text" {
			continue
		}
		got, err := os.ReadFile(filepath.Join(d.dir, fmt.Sprintf("out.%d", i-1)))
		if err != nil {
			return err
		}
		rest := strings.Split(string(got), "\n")
		for want := range strings.Lines(d.put(b.text)) {
			want = strings.TrimSpace(want)
			pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + "$")
			at := slices.IndexFunc(rest, func(line string) bool { return pattern.MatchString(strings.TrimSpace(line)) })
			if at < 0 {
				return fmt.Errorf("%s:%d: %q is not among what was printed:\n%s", d.name, b.line, want, got)
			}
			rest = rest[at+1:]
		}
	}
	return nil
}

// TestDocs runs what the pages say.
func TestDocs(t *testing.T) {
	for _, page := range docPages {
		t.Run(filepath.Base(page.path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("..", page.path))
			if err != nil {
				t.Fatal(err)
			}
			var run []block
			listed := map[string]bool{}
		next:
			for _, b := range blocks(string(text), page.section) {
				for _, n := range notRun {
					if n.page == page.path && strings.HasPrefix(b.text, n.begins) {
						listed[n.begins] = true
						t.Logf("%s:%d is not run: %s", page.path, b.line, n.why)
						continue next
					}
				}
				run = append(run, b)
			}
			for _, n := range notRun {
				if n.page == page.path && !listed[n.begins] {
					t.Errorf("%s has no block that begins with %q: take it from the list", page.path, n.begins)
				}
			}
			if len(run) == 0 {
				t.Fatal("there is nothing to run")
			}
			if page.before != "" {
				run = slices.Insert(run, 0, block{0, "sh", page.before})
			}
			if err := docPage(t, page.path, run); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDocsFail tells that pages with a fault are found.
func TestDocsFail(t *testing.T) {
	for _, test := range []struct{ name, page, want string }{
		{"a command", "    true\n\ntext\n\n    echo before\n    ls no-such-file\n    echo behind\n",
			"page.md:5: ls no-such-file\n--- what block 2 printed\nbefore\n"},
		{"in a pipe", "```sh\nls no-such-file | cat\n```\n", "page.md:2: cat\n--- what block 1 printed\nls: cannot access"},
		{"in the background", "```sh\nls no-such-file &\nsleep 0.2\n```\n", "command 1 failed"},
		{"an output", "```sh\necho one two; echo three\n```\n```text\none …\nfour\n```\n", `page.md:5: "four" is not among`},
		{"outputs in another order", "```sh\necho one; echo two\n```\n```text\ntwo\none\n```\n", `page.md:5: "one" is not among`},
		{"a language", "```ruby\nputs 1\n```\n", `"ruby" is neither run nor listed`},
		{"python", "```python\nimport sys\nsys.exit('no')\n```\n", "page.md:2: python3"},
		{"javascript", "```js\nawait nothing()\n```\n", "page.md:2: node"},
		{"what does not compile", "```go\npackage main\n\nfunc main() { nothing() }\n```\n", "undefined: nothing"},
		{"what a player does not take", "```sh\nffplay bin/weir\n```\n", "page.md:2: ffplay"},
		{"a server that does not start", "    weir serve --data /dev/null/x &\n    sleep 0.2\n", "nothing comes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := docPage(t, "page.md", blocks(test.page, ""))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("expected %q, got %v", test.want, err)
			}
		})
	}
}

// TestProducerPage sends the upload of docs/producers.md to servers with users, in the clear and over TLS: the head with its names, their spelling and
// their order, a signature of what the page says is signed, and the body behind it as the table there tells.
func TestProducerPage(t *testing.T) {
	page, err := os.ReadFile("../docs/producers.md")
	if err != nil {
		t.Fatal(err)
	}
	var head string
	for _, b := range blocks(string(page), "") {
		if b.language == "http" {
			head = strings.TrimSuffix(b.text, "\n")
		}
	}
	private, fragments := camera(t)
	each(t, func(t *testing.T, s *server) {
		s.create(t, "door")
		u := site.Users["token"]
		start := time.Now().Truncate(time.Millisecond)
		values := map[string]string{
			"x-amz-date": now(), "x-amz-security-token": u.Token,
			"x-amzn-producer-start-timestamp": fmt.Sprintf("%d.%d", start.Unix(), start.UnixMilli()%1000),
		}
		lines := strings.Split(head, "\n")
		signed := map[string]string{}
		for i, line := range lines[1:] {
			name, value, ok := strings.Cut(line, ": ")
			if !ok {
				t.Fatalf("%q is no header", line)
			}
			key := strings.ToLower(name)
			if other, ok := values[key]; ok {
				value = other
				lines[i+1] = name + ": " + value
			}
			// "connection, host, transfer-encoding, user-agent, x-amz-date and the four x-amzn headers; the token is not"
			plain := []string{"connection", "host", "transfer-encoding", "user-agent", "x-amz-date"}
			if slices.Contains(plain, key) || strings.HasPrefix(key, "x-amzn-") {
				signed[key] = value
			}
		}
		at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "Authorization: ") })
		if at < 0 || len(signed) != 9 {
			t.Fatalf("the page has not what is signed: %v", signed)
		}
		lines[at] = "Authorization: " + u.authorization("/putMedia", signed, emptyHash)
		p := s.begin(t, strings.Join(append(lines, "", ""), "\r\n"))
		header := producerHeader(private, tagElement("site", "gate"))
		if !bytes.HasPrefix(clusterStart(0), []byte("\x1F\x43\xB6\x75\xFF")) {
			t.Error("a Cluster does not begin as the page says")
		}
		p.send(header)
		for i, frames := range fragments {
			p.upload(start.UnixMilli()+int64(i)*1000, frames, "n", fmt.Sprint(i))
		}
		p.end()
	})
}
