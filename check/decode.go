package check

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

var ruleX01 = must("X01", "ffmpeg decodes every picture and all sound", "ITU-T H.264, H.265; ISO/IEC 14496-3")

// maxComplaints is how much of what ffmpeg writes is kept.
const maxComplaints = 64 << 10

// decode has the program decode all of target. What it writes is a finding; that it cannot be started is an error.
func (c *checker) decode(program, target string) error {
	if !isURL(target) {
		target = "file:" + target
	}
	complaint, known, err := c.runDecoder(program, target, "-xerror")
	if err == nil && complaint == "" && known { // it gave up at what is no damage
		complaint, _, err = c.runDecoder(program, target)
	}
	if err != nil {
		return err
	}
	c.ok(ruleX01, complaint == "", whole(c.report.Target, ""), complaint, "no complaint")
	return nil
}

func (c *checker) runDecoder(program, target string, options ...string) (complaint string, known bool, err error) {
	args := append([]string{"-nostdin", "-v", "error"}, options...)
	cmd := exec.CommandContext(c.ctx, program, append(args, "-i", target, "-map", "0:v?", "-map", "0:a?", "-f", "null", "-")...)
	var out limitedBuffer
	cmd.Stderr = &out
	err = cmd.Run()
	if c.ctx.Err() != nil {
		return "", false, c.ctx.Err()
	}
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		return "", false, fmt.Errorf("run ffmpeg: %w", err)
	}
	complaint, known = c.complaint(out.Bytes())
	if err != nil && complaint == "" && !known {
		complaint = err.Error()
	}
	return complaint, known, nil
}

// complaint returns the first line that tells of damage, and whether there were others. Two are known to come with streams that are
// right: ffmpeg asks a static MPD for one segment more than there are, and calls the packet at a discontinuity of HLS corrupt.
func (c *checker) complaint(out []byte) (first string, known bool) {
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "", strings.HasPrefix(line, "Last message repeated"):
		case c.report.Form == DASH && strings.Contains(line, "Error when loading first fragment of playlist"),
			c.report.Form == HLS && strings.Contains(line, "corrupt input packet"):
			known = true
		default:
			return line, known
		}
	}
	return "", known
}

// limitedBuffer keeps the beginning of what is written.
type limitedBuffer struct{ bytes.Buffer }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(maxComplaints-b.Len(), 0))])
	return len(p), nil
}
