package release

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// versionDigits is how much of the sources' hash the version shows: 48 bits, as much as git shows of a commit in a
// large repository.
const versionDigits = 12

// goPackage is what "go list" tells of a package.
type goPackage struct {
	Dir        string
	ImportPath string
	Standard   bool
	Module     *goModule
	// The files that are compiled into the program, relative to Dir.
	GoFiles, SFiles, HFiles, SysoFiles, EmbedFiles []string
	// DefaultGODEBUG is set for a program whose go.mod or source asks for other behaviour of the standard library than
	// today's.
	DefaultGODEBUG string
}

type goModule struct {
	Path, Version, Sum, Dir, GoVersion string
	Replace                            *goModule
}

// sourceVersion returns the version of the app's program: a hash of the files that it is built from, and of the modules
// (by version and sum). Tests, and packages that only they use, do not count.
func sourceVersion(ctx context.Context, tool *goTool) (string, error) {
	out, err := tool.run(ctx, "list", "-deps",
		"-json=Dir,ImportPath,Standard,Module,GoFiles,SFiles,HFiles,SysoFiles,EmbedFiles,DefaultGODEBUG",
		"./cmd/dossier")
	if err != nil {
		return "", err
	}
	var lines []string
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return "", fmt.Errorf("reading what go list said: %w", err)
		}
		if p.Standard {
			continue
		}
		described, err := p.describe()
		if err != nil {
			return "", fmt.Errorf("reading package %s: %w", p.ImportPath, err)
		}
		lines = append(lines, described...)
	}
	slices.Sort(lines)
	lines = slices.Compact(lines)
	hash := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(hash[:])[:versionDigits], nil
}

// describe returns a line for each thing that the package is made from.
func (p goPackage) describe() ([]string, error) {
	if p.Module == nil {
		return nil, errors.New("it is not in a module")
	}
	m := *p.Module
	if m.Replace != nil {
		m.Version, m.Sum, m.Dir = m.Replace.Version, m.Replace.Sum, m.Replace.Dir
	}
	if m.Version != "" {
		return []string{fmt.Sprintf("module %s %s %s", m.Path, m.Version, m.Sum)}, nil
	}
	lines := []string{
		fmt.Sprintf("module %s go %s", m.Path, m.GoVersion),
		fmt.Sprintf("package %s %q", p.ImportPath, p.DefaultGODEBUG),
	}
	for _, name := range slices.Concat(p.GoFiles, p.SFiles, p.HFiles, p.SysoFiles, p.EmbedFiles) {
		content, err := os.ReadFile(filepath.Join(p.Dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		// The package's path, and not the folder's: a release does not depend on where the repository is.
		lines = append(lines, fmt.Sprintf("file %s/%s %x", p.ImportPath, name, sha256.Sum256(content)))
	}
	return lines, nil
}
