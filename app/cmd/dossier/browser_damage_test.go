package main

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// damagedAtRest: a file of which the stored copy is missing, and one of which it differs, as holder and staff see them;
// and what the holder does about it.
func (c *chromium) damagedAtRest(t *testing.T) {
	base, data := site(t)
	files := makeFiles(t)[:3]
	holder, staff := c.tab(t, base), c.tab(t, base)
	holder.open("/", http.StatusOK)
	holder.ready()
	holder.submission(files...)
	holder.load(http.StatusOK, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	receipt := holder.location()

	staff.signIn(data)
	staff.open("/staff/storage", http.StatusOK)
	staff.shows("None found.")
	staff.audit("storage")
	staff.open("/staff/sessions", http.StatusOK)
	staff.shows("This session", "127.0.0.1")
	staff.audit("sessions")
	staff.open("/staff/storage", http.StatusOK)

	// The picture goes, and a byte of the text changes.
	err := filepath.WalkDir(filepath.Join(data, "objects", "files"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(string(content), "\x89PNG"):
			return os.Remove(path)
		case strings.HasPrefix(string(content), "The Analytical Engine"):
			content[7] ^= 1
			return os.WriteFile(path, content, 0o600)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// Whoever reads a file finds it, and it leaves the list.
	for i := range 2 {
		holder.load(http.StatusInternalServerError,
			chromedp.Click(chromedp.CSS(".table-files tbody tr:nth-child(1) a")))
		holder.shows("This file is damaged", "Send the file again to replace it.")
		if i == 0 {
			holder.audit("file-damaged")
		}
		holder.load(http.StatusOK, chromedp.Navigate(receipt))
	}
	holder.shows("Some files are missing", files[0].shown, "The stored copy is damaged", files[2].shown)
	holder.listed(files[2:])
	holder.audit("receipt-damaged")

	staff.open("/staff/storage", http.StatusOK)
	staff.shows(files[0].shown, "Its bytes are missing", files[1].shown, "Its bytes changed", "Ada Lovelace")
	staff.audit("storage-damaged")
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS("main .table a")))
	staff.shows("Damaged", "It will be replaced when the same file is sent again.")
	staff.audit("person-damaged")

	// The holder sends both again, by the page of the receipt.
	holder.ready()
	holder.expect("/api/v1/")
	holder.choose(files[:2]...)
	holder.until("both are added", `document.querySelector(".add-files").innerText.includes("2 files added.")`)
	holder.press(".add-files .actions .button:not(.button-quiet)")
	holder.until("all is stored", `document.querySelectorAll(".table-files .file-name").length === 3`)
	holder.shows("Received, thank you")
	holder.audit("receipt-mended")
	staff.open("/staff/storage", http.StatusOK)
	staff.shows("None found.")
}
