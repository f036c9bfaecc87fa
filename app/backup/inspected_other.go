//go:build !linux

package backup

import "io/fs"

// identity tells nothing here, so that each start inspects the stores.
func identity(fs.FileInfo) string { return "" }
