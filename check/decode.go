package check

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

var ruleX01 = must("X01", "ffmpeg decodes every picture and all sound", "")

// maxComplaints is how much of what ffmpeg writes is kept.
const maxComplaints = 64 << 10

// decode has the program decode all of target. What it writes is a finding; that it cannot be started is an error.
func (c *checker) decode(program, target string) error {
	if !isURL(target) {
		target = "file:" + target
	}
	cmd := exec.CommandContext(c.ctx, program, "-nostdin", "-v", "error", "-xerror", "-i", target,
		"-map", "0:v?", "-map", "0:a?", "-f", "null", "-")
	var out limitedBuffer
	cmd.Stderr = &out
	err := cmd.Run()
	if c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		return fmt.Errorf("run ffmpeg: %w", err)
	}
	complaint := c.complaint(out.Bytes())
	if complaint == "" && err != nil {
		complaint = err.Error()
	}
	c.ok(ruleX01, complaint == "", whole(c.report.Target, ""), complaint, "no complaint")
	return nil
}

// complaint returns the first line that tells of damage. Two are known to come with streams that are right: ffmpeg asks a static MPD for
// one segment more than there are, and calls the packet at a discontinuity of HLS corrupt.
func (c *checker) complaint(out []byte) string {
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "":
		case c.report.Form == DASH && strings.Contains(line, "Error when loading first fragment of playlist"):
		case c.report.Form == HLS && strings.Contains(line, "corrupt input packet"):
		default:
			return line
		}
	}
	return ""
}

// limitedBuffer keeps the beginning of what is written.
type limitedBuffer struct{ bytes.Buffer }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(maxComplaints-b.Len(), 0))])
	return len(p), nil
}
