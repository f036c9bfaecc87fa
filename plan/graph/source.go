package graph

import (
	"net/url"
	"path/filepath"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// source is where a registration comes from: the innermost line of the stack that is in a file below a folder, which is
// where the repository's own code calls somebody else's. The folders of dependencies and those that are not kept in the
// repository do not count.
func source(root string, position *pulumirpc.SourcePosition, trace *pulumirpc.StackTrace) Source {
	if root == "" {
		return Source{}
	}
	positions := []*pulumirpc.SourcePosition{position}
	for _, frame := range trace.GetFrames() {
		positions = append(positions, frame.GetPc())
	}
	for _, p := range positions {
		path, is := strings.CutPrefix(p.GetUri(), "file://")
		if !is || p.GetLine() < 1 {
			continue
		}
		path, err := url.PathUnescape(path)
		if err != nil {
			continue
		}
		file, err := filepath.Rel(root, filepath.FromSlash(path))
		if err != nil || !filepath.IsLocal(file) {
			continue
		}
		file = filepath.ToSlash(file)
		if strings.Contains("/"+file, "/vendor/") || strings.Contains(file, "@v") {
			continue
		}
		return Source{File: file, Line: int(p.GetLine())}
	}
	return Source{}
}
