package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// small mounts a small file system in a directory and returns its name: ext4 in a file, else tmpfs.
func small(dir string) (name string, unmount func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, err
	}
	unmount = func() error {
		if err := syscall.Unmount(dir, 0); err != nil {
			return fmt.Errorf("unmount %s: %w", dir, err)
		}
		return nil
	}
	if err := mountImage(filepath.Clean(dir)+".img", dir); err == nil {
		return "ext4", unmount, nil
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", smallSize)); err != nil {
		return "", nil, fmt.Errorf("mount a small file system: %w", err)
	}
	return "tmpfs", unmount, nil
}

func mountImage(image, dir string) error {
	f, err := os.Create(image)
	if err != nil {
		return err
	}
	err = f.Truncate(smallSize)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = exec.Command("mkfs.ext4", "-q", "-F", "-m", "0", image).Run()
	}
	if err == nil {
		err = exec.Command("mount", "-o", "loop", image, dir).Run()
	}
	if err != nil {
		_ = os.Remove(image)
	}
	return err
}
