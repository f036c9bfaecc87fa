package dossier

import "context"

// Sender is who sends what a store is given: whoever shares something among all that is being sent, such as memory,
// shares it among clients, and can end what takes it from others.
type Sender struct {
	// Client is the same for all that one client sends.
	Client string
	// Cut ends what is being sent, early: reads of it fail soon. It does not block, and may be called at any time.
	Cut func()
}

type senderKey struct{}

// WithSender returns a context for what a sender sends.
func WithSender(ctx context.Context, s Sender) context.Context {
	return context.WithValue(ctx, senderKey{}, s)
}

// SenderOf returns the sender of a context; the zero Sender where nobody said.
func SenderOf(ctx context.Context) Sender {
	s, _ := ctx.Value(senderKey{}).(Sender)
	return s
}
