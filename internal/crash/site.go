package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/seed63bb8431/weir/internal/rig"
)

// site is an archive that servers share, in a schema and below a prefix of its own, over engines that scripts/scale.sh has started.
type site struct {
	index, blobs string // URLs
	keys         string // file of session keys
}

// newSite makes an empty archive of that name.
func (s *settings) newSite(ctx context.Context, dir, name string) (*site, error) {
	index, blobs := os.Getenv("WEIR_SCALE_INDEX"), os.Getenv("WEIR_SCALE_BLOBS")
	if index == "" || blobs == "" {
		return nil, errors.New("there are no engines: use make test-scale PARTS=" + name)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	schema := fmt.Sprintf("%s_%d", name, os.Getpid())
	a := &site{index: index + "&search_path=" + schema, blobs: blobs + "/" + schema + os.Getenv("WEIR_SCALE_QUERY"), keys: filepath.Join(dir, "session.keys")}
	db, err := sql.Open("pgx", index)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE SCHEMA "+schema); err != nil {
		return nil, err
	}
	keys, err := exec.CommandContext(ctx, s.weir, "keys").Output()
	if err != nil {
		return nil, fmt.Errorf("weir keys: %w", err)
	}
	return a, os.WriteFile(a.keys, keys, 0o600)
}

// flags are those of a server of the archive.
func (a *site) flags() []string {
	return []string{"--index", a.index, "--blobs", a.blobs, "--session-keys", a.keys, "--metrics", "127.0.0.1:0"}
}

// soundness is what weir fsck says of an archive.
type soundness struct {
	Fragments, Whole, Damaged, Gone int64
	Objects                         struct{ Objects, Orphans, Young, Strange int64 }
}

// verify has weir fsck read the archive. Whatever is damaged or gone is an error.
func (s *settings) verify(ctx context.Context, a *site) (v soundness, err error) {
	cmd := exec.CommandContext(ctx, s.weir, "fsck", "--json", "--quiet", "--index", a.index, "--blobs", a.blobs)
	cmd.Stderr = s.progress
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &v)
	}
	if err != nil {
		return v, fmt.Errorf("weir fsck: %w\n%s", err, out)
	}
	return v, nil
}

// orphans tells what a verified archive has beside its fragments.
func (v *soundness) orphans() string {
	return fmt.Sprintf("weir fsck: %d fragments whole, %d damaged, %d gone; %d objects without a fragment", v.Whole, v.Damaged, v.Gone,
		v.Objects.Orphans+v.Objects.Young)
}

// sameLists compares what two servers list, fragment by fragment.
func (l *ledger) sameLists(ctx context.Context, a, b *rig.Client) error {
	for stream := range l.streams {
		one, err := a.All(ctx, stream, nil)
		if err != nil {
			return err
		}
		other, err := b.All(ctx, stream, nil)
		if err != nil {
			return err
		}
		if len(one) != len(other) {
			l.find(odd, "%s: one server lists %d fragments, the other %d", stream, len(one), len(other))
			continue
		}
		for i := range one {
			if one[i] != other[i] {
				l.find(odd, "%s: one server lists %+v, the other %+v", stream, one[i], other[i])
			}
		}
	}
	return nil
}
