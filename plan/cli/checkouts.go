package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"dossier.example/plan"
)

// storage is where content may be that Git LFS keeps: the work tree, and what it keeps in a clone. Base has then the
// same bytes as the work tree has, whether that has content or pointers, and nobody is asked for any.
type storage struct {
	tree, objects fs.FS
	// used tells that there were pointers.
	used bool
}

func storageOf(ctx context.Context, root string) *storage {
	s := &storage{tree: rooted(root), objects: absent{fs.ErrNotExist}}
	if dir, err := git(ctx, root, "rev-parse", "--path-format=absolute", "--git-common-dir"); err == nil {
		s.objects = rooted(filepath.Join(dir, "lfs", "objects"))
	}
	return s
}

// pointer is what git has of a file that Git LFS keeps: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
var pointer = regexp.MustCompile(`^version https://git-lfs\.github\.com/spec/v1\n(?:ext-.*\n)*` +
	`oid sha256:([0-9a-f]{64})\nsize ([0-9]+)\n$`)

// maxPointer is how many bytes a pointer has at most.
const maxPointer = 1024

// content is that of a file of which git has some bytes: these, unless they are a pointer to others that are here.
func (s *storage) content(name string, from io.Reader, size int64) (io.ReadCloser, error) {
	if size > maxPointer {
		return io.NopCloser(from), nil
	}
	text, err := io.ReadAll(from)
	if m := pointer.FindSubmatch(text); err == nil && m != nil {
		s.used = true
		digest := string(m[1])
		name, object := filepath.ToSlash(name), path.Join(digest[:2], digest[2:4], digest)
		// Where the work tree has pointers, base has them, too.
		if has(s.tree, name, digest, string(m[2])) {
			return s.tree.Open(name)
		}
		if has(s.objects, object, digest, string(m[2])) && !isPointer(s.tree, name) {
			return s.objects.Open(object)
		}
	}
	return io.NopCloser(bytes.NewReader(text)), err
}

// has reports whether a file, which may be larger than the memory, has that digest and size.
func has(in fs.FS, name, digest, size string) bool {
	info, err := fs.Stat(in, name)
	if err != nil || strconv.FormatInt(info.Size(), 10) != size {
		return false
	}
	f, err := in.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return err == nil && hex.EncodeToString(sum.Sum(nil)) == digest
}

func isPointer(in fs.FS, name string) bool {
	info, err := fs.Stat(in, name)
	if err != nil || info.Size() > maxPointer {
		return false
	}
	text, err := fs.ReadFile(in, name)
	return err == nil && pointer.Match(text)
}

// sparse reports whether the working tree is a sparse checkout.
func sparse(ctx context.Context, root string) bool {
	is, err := git(ctx, root, "config", "--type=bool", "core.sparseCheckout")
	return err == nil && is == "true"
}

// thinOut takes out of base what a sparse checkout leaves out of the working tree, so that it is not taken for deleted.
// It returns the projects that are left out so.
func thinOut(ctx context.Context, root, commit, dir string) (outside []plan.Unread, err error) {
	text, err := git(ctx, root, "ls-files", "-t", "--stage", "-z")
	if err != nil {
		return nil, fmt.Errorf("listing what is left out: %w", err)
	}
	entries, err := listed(ctx, root, commit)
	if err != nil {
		return nil, err
	}
	was, is := map[string]string{}, map[string]string{}
	for _, e := range entries {
		was[e.name] = e.mode + " " + e.object
	}
	to, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer to.Close()
	files := rooted(root)
	for line := range strings.SplitSeq(text, "\x00") {
		about, name, _ := strings.Cut(line, "\t")
		fields := strings.Fields(about)
		if len(fields) != 4 {
			continue
		}
		is[name] = fields[1] + " " + fields[2]
		if fields[0] != "S" || exists(files, name) { // it skips the work tree
			continue
		}
		if folder := path.Dir(name); projectFile(path.Base(name)) && searched(folder) {
			outside = append(outside, plan.Unread{Project: path.Base(folder), Folder: folder,
				Why: "it is outside of this sparse checkout"})
		}
		if err := to.Remove(filepath.FromSlash(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	for name := range maps.Keys(joined(was, is)) {
		for i, u := range outside {
			if was[name] != is[name] && strings.HasPrefix(name, u.Folder+"/") {
				outside[i].Changed = true
			}
		}
	}
	return outside, nil
}
