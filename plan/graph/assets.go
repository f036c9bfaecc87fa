package graph

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"
)

// assetFolders are where a program's assets are read from.
type assetFolders struct {
	// dir is the folder that their paths are relative to: that which the program runs in.
	dir string
	// within are the folders that they may be in; none: anywhere. A program names what it wants to be read, so that of
	// an author whom nobody knows is read inside its repository alone.
	within []string
	// standIns are the hashes of files that a build would make, by their full names: they are not read.
	standIns map[string]string
	// left is how many bytes may still be read for a run.
	left int64
}

// mostHashed is more than what a program uploads in good faith.
const mostHashed = 4 << 30

// hash lets every asset within a value know its hash, as an engine does. What is of another host is not asked for: its
// address stands for it.
func (a *assetFolders) hash(v resource.PropertyValue) error {
	switch {
	case v.IsAsset():
		return a.asset(v.AssetValue())
	case v.IsArchive():
		return a.archive(v.ArchiveValue())
	case v.IsSecret():
		return a.hash(v.SecretValue().Element)
	case v.IsOutput():
		return a.hash(v.OutputValue().Element)
	case v.IsArray():
		for _, e := range v.ArrayValue() {
			if err := a.hash(e); err != nil {
				return err
			}
		}
	case v.IsObject():
		for _, e := range v.ObjectValue() {
			if err := a.hash(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *assetFolders) asset(of *asset.Asset) (err error) {
	switch {
	case of.Path != "":
		of.Hash, err = a.path(of.Path)
	case of.URI != "":
		of.Hash, err = a.address(of.URI)
	default:
		of.Hash = sum(of.Text)
	}
	return err
}

func (a *assetFolders) archive(of *archive.Archive) (err error) {
	switch {
	case of.Path != "":
		of.Hash, err = a.path(of.Path)
	case of.URI != "":
		of.Hash, err = a.address(of.URI)
	default:
		parts := sha256.New()
		for _, name := range slices.Sorted(maps.Keys(of.Assets)) {
			part := ""
			switch v := of.Assets[name].(type) {
			case *asset.Asset:
				err = a.asset(v)
				part = v.Hash
			case *archive.Archive:
				err = a.archive(v)
				part = v.Hash
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(parts, "%q %s\n", name, part)
		}
		of.Hash = hex.EncodeToString(parts.Sum(nil))
	}
	return err
}

func sum(text string) string {
	hash := sha256.Sum256([]byte(text))
	return hex.EncodeToString(hash[:])
}

func (a *assetFolders) address(uri string) (string, error) {
	if path, local := strings.CutPrefix(uri, "file://"); local {
		return a.path(path)
	}
	return sum(uri), nil
}

// path returns the hash of a file, or of all that is in a folder.
func (a *assetFolders) path(name string) (string, error) {
	full, err := filepath.Abs(filepath.Join(a.dir, name))
	if filepath.IsAbs(name) {
		full, err = filepath.Clean(name), nil
	}
	if err != nil {
		return "", err
	}
	if hash, stands := a.standIns[full]; stands {
		return hash, nil
	}
	within := a.within
	if len(within) == 0 {
		within = []string{filepath.Dir(full)}
	}
	for _, folder := range within {
		if folder, err = filepath.Abs(folder); err != nil {
			return "", err
		}
		relative, err := filepath.Rel(folder, full)
		if err != nil || !filepath.IsLocal(relative) {
			continue
		}
		if info, err := os.Stat(folder); err == nil && !info.IsDir() {
			folder, relative = filepath.Dir(folder), filepath.Base(folder) // it is the file itself
		}
		root, err := os.OpenRoot(folder) // no link leads out of it
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", name, err)
		}
		defer root.Close()
		hash, err := a.inside(root, filepath.ToSlash(relative))
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("reading %s: there is no such file here: if a build makes it, name what it is "+
				"made of among "+
				"the artifacts in stackplan.yaml", name)
		}
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", name, err)
		}
		return hash, nil
	}
	return "", fmt.Errorf("%s is outside the repository, and is not read", name)
}

// inside is path for what is in an open folder.
func (a *assetFolders) inside(root *os.Root, name string) (string, error) {
	info, err := root.Stat(name)
	if err != nil {
		return "", err
	}
	all := sha256.New()
	if !info.IsDir() {
		err := a.file(root, name, all)
		return hex.EncodeToString(all.Sum(nil)), err
	}
	err = fs.WalkDir(root.FS(), name, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.Name() == ".pulumi" && entry.IsDir(): // what the engine leaves out, too
			return fs.SkipDir
		case entry.IsDir(), entry.Name() == ".pulumi":
			return nil
		case entry.Type()&fs.ModeSymlink != 0:
			if info, err := root.Stat(file); err != nil || info.IsDir() {
				return err
			}
		}
		one := sha256.New()
		if err := a.file(root, file, one); err != nil {
			return err
		}
		fmt.Fprintf(all, "%q %x\n", strings.TrimPrefix(file, path.Clean(name)+"/"), one.Sum(nil))
		return nil
	})
	return hex.EncodeToString(all.Sum(nil)), err
}

func (a *assetFolders) file(root *os.Root, name string, to hash.Hash) error {
	info, err := root.Stat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() { // a pipe may keep its reader waiting for ever
		return fmt.Errorf("%s is not a file", name)
	}
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.Copy(to, io.LimitReader(f, a.left+1))
	if a.left -= n; a.left < 0 {
		return fmt.Errorf("the program's assets are larger than %d GB", mostHashed>>30)
	}
	return err
}
