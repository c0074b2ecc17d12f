package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Build builds the command of this module for the machine that it runs on, into a directory, and returns the binary's path. The calling
// process has to be in a folder of the module.
func Build(ctx context.Context, dir string) (string, error) {
	name := filepath.Join(dir, "weir")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", name, "github.com/seed63bb8431/weir/cmd/weir")
	for _, v := range os.Environ() { // tests for another architecture have it there
		if !strings.HasPrefix(v, "GOARCH=") && !strings.HasPrefix(v, "GOOS=") && !strings.HasPrefix(v, "CGO_ENABLED=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("rig: build the server: %w\n%s", err, out)
	}
	return name, nil
}
