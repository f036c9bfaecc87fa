package pages_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"dossier.example/infra/internal/pages"
)

// list is a paginator: a page for each of its lists, and err in the place of what follows.
type list struct {
	pages [][]int
	err   error
}

func (l *list) HasMorePages() bool { return len(l.pages) > 0 || l.err != nil }

func (l *list) NextPage(context.Context, ...func(*struct{})) (*[]int, error) {
	if len(l.pages) == 0 {
		return nil, l.err
	}
	page := l.pages[0]
	l.pages = l.pages[1:]
	return &page, nil
}

func TestAll(t *testing.T) {
	items := func(page *[]int) []int { return *page }
	got, err := pages.All(t.Context(), &list{pages: [][]int{{1, 2}, nil, {3}}}, items)
	if err != nil || !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("three pages: %v, %v, want 1 2 3", got, err)
	}
	down := errors.New("down")
	if got, err := pages.All(t.Context(), &list{pages: [][]int{{1}}, err: down}, items); err != down || got != nil {
		t.Errorf("a page, then an error: %v, %v, want the error alone", got, err)
	}
}
