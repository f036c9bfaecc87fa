// Package pages reads all that AWS lists in pages.
package pages

import "context"

// Pager is a paginator of the SDK.
type Pager[Page, Options any] interface {
	HasMorePages() bool
	NextPage(ctx context.Context, options ...func(*Options)) (*Page, error)
}

// All returns what is on all pages.
func All[Page, Options, Item any](ctx context.Context, pager Pager[Page, Options],
	items func(*Page) []Item) ([]Item, error) {
	var all []Item
	for pager.HasMorePages() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, items(page)...)
	}
	return all, nil
}
