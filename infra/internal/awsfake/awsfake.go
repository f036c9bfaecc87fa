// Package awsfake stands in for AWS in tests of what calls it by the SDK. Its place is behind the SDK's client: inputs
// are validated, the endpoint is resolved and the request is signed as always; only the connection is missing, and the
// answer is a value that the test gives.
package awsfake

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Cloud answers the operations that it was given answers for. An operation without one is a fault of the test, which
// Unanswered names.
type Cloud struct {
	// HTTP answers what does not come from a client of the SDK; nil refuses it.
	HTTP func(*http.Request) (*http.Response, error)

	mu         sync.Mutex
	answers    map[string]func(ctx context.Context, in any) (any, error)
	denied     map[string]bool
	calls      []string
	unanswered []string
}

// Config returns a configuration whose clients are answered by the cloud.
func (c *Cloud) Config(region string) aws.Config {
	return aws.Config{
		Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "example", ""),
		Retryer:    func() aws.Retryer { return aws.NopRetryer{} },
		HTTPClient: client{c},
		APIOptions: []func(*middleware.Stack) error{func(stack *middleware.Stack) error {
			if err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("keep the input", keep),
				middleware.After); err != nil {
				return err
			}
			return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("answer", c.deserialize),
				middleware.Before)
		}},
	}
}

type client struct{ *Cloud }

func (c client) Do(request *http.Request) (*http.Response, error) {
	if c.HTTP == nil {
		return nil, fmt.Errorf("awsfake: nobody answers %s %s", request.Method, request.URL)
	}
	return c.HTTP(request)
}

type inputKey struct{}

func keep(ctx context.Context, in middleware.InitializeInput,
	next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	return next.HandleInitialize(middleware.WithStackValue(ctx, inputKey{}, in.Parameters), in)
}

// Plain reports whether the request of the call that ctx belongs to would go over HTTP without TLS.
func Plain(ctx context.Context) bool {
	plain, _ := ctx.Value(plainKey{}).(bool)
	return plain
}

type plainKey struct{}

func (c *Cloud) deserialize(ctx context.Context, in middleware.DeserializeInput,
	_ middleware.DeserializeHandler) (out middleware.DeserializeOutput, metadata middleware.Metadata, err error) {
	if err := ctx.Err(); err != nil {
		return out, metadata, err
	}
	params := middleware.GetStackValue(ctx, inputKey{})
	name := operation(reflect.TypeOf(params))
	if request, ok := in.Request.(*smithyhttp.Request); ok {
		ctx = context.WithValue(ctx, plainKey{}, request.URL.Scheme == "http")
	}
	c.mu.Lock()
	c.calls = append(c.calls, name)
	answer, denied := c.answers[name], c.denied[name]
	if answer == nil && !denied {
		c.unanswered = append(c.unanswered, name)
	}
	c.mu.Unlock()
	switch {
	case denied:
		return out, metadata, Refuse("AccessDenied", "User is not authorized to perform "+name)
	case answer == nil:
		return out, metadata, Refuse("InternalFailure", "awsfake has no answer for "+name)
	}
	out.Result, err = answer(ctx, params)
	return out, metadata, err
}

// Refuse is an error as AWS gives it.
func Refuse(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message}
}

// operation names the operation of an input's or output's type: "rds.DescribeDBInstances".
func operation(t reflect.Type) string {
	name := strings.TrimSuffix(strings.TrimSuffix(t.Elem().Name(), "Input"), "Output")
	pkg := t.Elem().PkgPath()
	return pkg[strings.LastIndex(pkg, "/")+1:] + "." + name
}

func nameOf[T any]() string { return operation(reflect.TypeFor[*T]()) }

// On has calls with this input answered by f.
func On[In, Out any](c *Cloud, f func(ctx context.Context, in *In) (*Out, error)) {
	if nameOf[In]() != nameOf[Out]() {
		panic("awsfake: " + nameOf[In]() + " does not return " + nameOf[Out]())
	}
	c.set(nameOf[In](), func(ctx context.Context, in any) (any, error) {
		out, err := f(ctx, in.(*In))
		if err != nil {
			return nil, err
		}
		return clone(reflect.ValueOf(out)).Interface(), nil
	})
}

// Give has the operation of this output answered by it.
func Give[Out any](c *Cloud, out *Out) {
	c.set(nameOf[Out](), func(context.Context, any) (any, error) {
		return clone(reflect.ValueOf(out)).Interface(),
			nil
	})
}

// Change has f change each answer with this output. It is handed the input too, to tell one thing from another.
func Change[In, Out any](c *Cloud, f func(in *In, out *Out)) {
	name := nameOf[In]()
	c.mu.Lock()
	before := c.answers[name]
	c.mu.Unlock()
	if before == nil {
		panic("awsfake: there is no answer for " + name + " to change")
	}
	c.set(name, func(ctx context.Context, in any) (any, error) {
		out, err := before(ctx, in)
		if err != nil {
			return nil, err
		}
		f(in.(*In), out.(*Out))
		return out, nil
	})
}

// Fail has the operation of this input fail.
func Fail[In any](c *Cloud, err error) {
	c.set(nameOf[In](), func(context.Context, any) (any, error) { return nil, err })
}

// Hang has the operation of this input answer nothing until the caller gives up.
func Hang[In any](c *Cloud) {
	c.set(nameOf[In](), func(ctx context.Context, _ any) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
}

// Deny has an operation, such as "rds.DescribeDBInstances", denied.
func (c *Cloud) Deny(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.denied == nil {
		c.denied = map[string]bool{}
	}
	c.denied[name] = true
}

func (c *Cloud) set(name string, answer func(context.Context, any) (any, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answers == nil {
		c.answers = map[string]func(context.Context, any) (any, error){}
	}
	c.answers[name] = answer
}

// Calls returns the operations that were called, in their order.
func (c *Cloud) Calls() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// Unanswered returns an error if an operation was called that the test gave no answer for.
func (c *Cloud) Unanswered() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.unanswered) == 0 {
		return nil
	}
	slices.Sort(c.unanswered)
	return errors.New("awsfake: no answer was given for " + strings.Join(slices.Compact(c.unanswered), ", "))
}

// clone copies a value with all that it points to, so that neither the SDK nor Change writes into what another caller
// reads.
func clone(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		to := reflect.New(v.Type().Elem())
		to.Elem().Set(clone(v.Elem()))
		return to
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		to := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			to.Index(i).Set(clone(v.Index(i)))
		}
		return to
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		to := reflect.MakeMapWithSize(v.Type(), v.Len())
		for key, value := range v.Seq2() {
			to.SetMapIndex(key, clone(value))
		}
		return to
	case reflect.Struct:
		to := reflect.New(v.Type()).Elem()
		to.Set(v)
		for i := range v.NumField() {
			if to.Field(i).CanSet() {
				to.Field(i).Set(clone(v.Field(i)))
			}
		}
		return to
	}
	return v
}
