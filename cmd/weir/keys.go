package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/internal/reload"
)

const (
	// keysFile is the file of session keys in an archive's directory.
	keysFile = "session.keys"
	// maxKeysFile is how many bytes a file of session keys may have.
	maxKeysFile = 64 << 10
)

// sessionKeys reads the keys that seal session tokens, and takes changes of their file up until ctx is done. Without --session-keys
// the file is in the archive's directory, which has to be held; it is made when it is missing.
func (s *serving) sessionKeys(ctx context.Context, log *slog.Logger) (func() *archive.Keyring, error) {
	path := s.sealKeys
	if path == "" {
		path = filepath.Join(s.data, keysFile)
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			if err := writeSecret(path, archive.NewKeyringText()); err != nil {
				return nil, err
			}
		} else if err != nil {
			return nil, err
		}
	}
	ring, err := reload.New(func(contents [][]byte) (*archive.Keyring, error) {
		ring, err := archive.ParseKeyring(string(contents[0]))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return ring, nil
	}, reload.File{Path: path, MaxSize: maxKeysFile, Forbid: 0o077})
	if err != nil {
		return nil, fmt.Errorf("session keys: %w", err)
	}
	go ring.Watch(ctx, reloadEvery, func(err error) {
		if err != nil {
			log.Error("session keys were not read again; those before stay", "error", err)
			return
		}
		log.Info("session keys were read again")
	})
	return ring.Get, nil
}

func newKeys(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "keys >FILE",
		Short: "Print a new file for serve's --session-keys",
		Long: `Print the content of a file for --session-keys of weir serve, with one new key, which seals the URLs of sessions. All servers of an archive
have the same file; only its owner may read it: (umask 077; weir keys >session.keys). To change keys put the line of another in front.`,
		Args: exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(std.out, archive.NewKeyringText())
			return err
		},
	}
}

// writeSecret makes a file durable that its owner alone may read.
func writeSecret(path, text string) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Chmod(0o600) // where one was left behind
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
