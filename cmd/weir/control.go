package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
)

// controlFile is where a server leaves, in its data directory, how other commands of the same user reach it: only it may touch the
// archive while it runs.
const controlFile = "control"

// control is the content of the control file.
type control struct {
	Address string // on loopback
	Secret  string
}

// backupRequest asks a server for a copy of its archive.
type backupRequest struct {
	Directory string // absolute, missing or empty
}

// startControl serves the commands of the same user until ctx ends.
func startControl(ctx context.Context, dir string, st *local.Store, log *slog.Logger) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c := control{Address: ln.Addr().String(), Secret: rand.Text()}
	text, err := json.Marshal(c)
	if err == nil {
		path := filepath.Join(dir, controlFile)
		_ = os.Remove(path) // of a server that was killed; its permissions would stay otherwise
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		_ = ln.Close()
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /backup", func(w http.ResponseWriter, r *http.Request) {
		var in backupRequest
		if err := json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&in); err != nil || !filepath.IsAbs(in.Directory) {
			http.Error(w, "Directory has to be an absolute path", http.StatusBadRequest)
			return
		}
		log.Info("backup begins", "directory", in.Directory)
		answer(w, struct{}{}, st.Backup(r.Context(), in.Directory))
	})
	mux.HandleFunc("POST /gc", func(w http.ResponseWriter, r *http.Request) {
		done, err := st.Collect(r.Context(), time.Now(), expiredGrace)
		answer(w, done, err)
	})
	mux.HandleFunc("POST /fsck", func(w http.ResponseWriter, r *http.Request) {
		out, err := verifyArchive(r.Context(), st, nil)
		answer(w, out, err)
	})
	mux.HandleFunc("POST /migrate", func(w http.ResponseWriter, r *http.Request) {
		var in migrateRequest
		if err := json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&in); err != nil {
			http.Error(w, "Data, or Index and Blobs, are needed", http.StatusBadRequest)
			return
		}
		to := archivePlace{data: in.Data, index: in.Index, blobs: in.Blobs}
		log.Info("migration begins", "to", to.String())
		done, err := copyTo(r.Context(), st, &to, nil)
		answer(w, done, err)
	})
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+c.Secret)) != 1 {
			http.Error(w, "not authorized", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(ln) }()
	context.AfterFunc(ctx, func() {
		_ = os.Remove(filepath.Join(dir, controlFile))
		_ = server.Close()
	})
	return nil
}

// answer writes what was done, or why it was not.
func answer(w http.ResponseWriter, done any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(done)
}

// withArchive opens an archive for do. Where a server has it for itself, that is asked to do the same by path, with in as JSON, and its
// answer is read into out.
func withArchive(ctx context.Context, p *archivePlace, do func(store.Importer) error, path string, in, out any) error {
	st, err := p.open(ctx, nil)
	if errors.Is(err, store.ErrLocked) {
		return askServer(ctx, p.data, path, in, out)
	}
	if err != nil {
		return err
	}
	return errors.Join(do(st), st.Close())
}

// askServer asks the server that has an archive open.
func askServer(ctx context.Context, dir, path string, in, out any) error {
	text, err := os.ReadFile(filepath.Join(dir, controlFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is in use by another process that is no server", dir)
	}
	var c control
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.Address+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.Secret)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("the server of %s does not answer: %w", dir, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
		return fmt.Errorf("the server of %s: %s", dir, bytes.TrimSpace(text))
	}
	return json.NewDecoder(answer.Body).Decode(out)
}
