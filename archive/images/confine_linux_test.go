package images

import (
	"context"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestConfine has a shell in place of ffmpeg try to open a file, before the child is confined and after that.
func TestConfine(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	// What the versions do that have copies of their pipes, before they read.
	prepare := map[uint64]string{pipes: "", copies: "exec 3<&0 4>&1; "}
	const script = `read first; read line </etc/passwd && echo "opened $$"; read second; read line </etc/passwd || echo refused; echo "secret: $SECRET"`
	t.Setenv("SECRET", "x")
	for _, level := range confinements {
		first, closed := prepare[level.files]
		if !level.limits || !closed {
			continue
		}
		t.Run(level.String(), func(t *testing.T) {
			f := &FFmpeg{opts: Options{Path: shell, Patience: time.Minute, Memory: 1 << 30}, level: level}
			c, err := start(context.Background(), f, []string{"-c", first + script})
			if err != nil {
				t.Logf("this machine does not allow it: %v", err)
				return
			}
			if _, err := io.WriteString(c.in, "first\n"); err != nil {
				t.Fatal(err)
			}
			var b [64]byte
			n, err := c.out.Read(b[:])
			if opened, number, _ := strings.Cut(strings.TrimSpace(string(b[:n])), " "); err != nil || opened != "opened" || level.namespaces && number != "1" {
				t.Errorf("at first: %q, %v", b[:n], err)
			}
			if err := c.confine(); err != nil {
				t.Logf("this machine does not allow it: %v", err)
				c.kill()
				_ = c.wait()
				return
			}
			if _, err := io.WriteString(c.in, "second\n"); err != nil {
				t.Error(err)
			}
			_ = c.in.Close()
			out, _ := io.ReadAll(c.out)
			complaint := c.wait()
			if strings.TrimSpace(string(out)) != "refused\nsecret:" || complaint == nil || !strings.Contains(complaint.Error(), "passwd") {
				t.Errorf("confined: %q, %v", out, complaint)
			}
		})
	}
}
