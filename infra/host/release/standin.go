package release

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// StandIn is the variable of the environment that names a file which takes the place of the release. A plan sets it:
// what a change of the app makes of the stack follows from the sources, and the two builds that it would take to see it
// are most of a plan's time. The file holds what Sources returns and is no archive, so that no instance installs it,
// whoever sets the variable otherwise.
const StandIn = "DOSSIER_PLAN_RELEASE"

// Sources returns a hash, in hexadecimal, of what Build would make a release of: the sources that are compiled into the
// app's program, the modules by version and sum, and the certificate authorities. Two sources of one hash give the same
// release when the same Go builds them; two hashes may give the same release too, where a difference is not compiled
// into anything.
func Sources(ctx context.Context, root, arch string) (string, error) {
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("hashing the sources of the app in %s: %w", root, err)
	}
	app, err := filepath.Abs(filepath.Join(root, "app"))
	if err != nil {
		return fail(err)
	}
	tool, err := newGo(ctx, app, arch)
	if err != nil {
		return fail(err)
	}
	version, err := sourceVersion(ctx, tool)
	if err != nil {
		return fail(err)
	}
	trusted, err := committedAuthorities(root)
	if err != nil {
		return fail(err)
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%s %s %x", arch, version, sha256.Sum256(trusted)))
	return hex.EncodeToString(hash[:]), nil
}

// committedAuthorities reads the certificate authorities of a revision, wherever below infra/ it keeps them.
func committedAuthorities(root string) ([]byte, error) {
	var found []byte
	err := fs.WalkDir(os.DirFS(root), "infra", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != Authorities {
			return err
		}
		if found, err = os.ReadFile(filepath.Join(root, filepath.FromSlash(path))); err != nil {
			return err
		}
		return fs.SkipAll
	})
	if err == nil && found == nil {
		err = fmt.Errorf("there is no %s below infra", Authorities)
	}
	return found, err
}

// Open is the release in a file, by its hash.
func Open(file string) (Release, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return Release{}, fmt.Errorf("reading the release that %s names: %w", StandIn, err)
	}
	if len(content) == 0 {
		return Release{}, fmt.Errorf("reading the release that %s names: %w", StandIn, errors.New("it is empty"))
	}
	hash := sha256.Sum256(content)
	sum := hex.EncodeToString(hash[:])
	return Release{Path: file, SHA256: sum, Key: Key(sum), Size: int64(len(content))}, nil
}
