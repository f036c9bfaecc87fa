// Command hidden is an example: calls that nothing can be seen to make.
package main

import (
	"context"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

type store struct{ client *s3.Client }

// Remove is called by its name.
func (s store) Remove() { _, _ = s.client.DeleteObject(context.Background(), &s3.DeleteObjectInput{}) }

func main() {
	reflect.ValueOf(store{s3.New(s3.Options{})}).MethodByName("Rem" + "ove").Call(nil)
}

func unused(c *s3.Client) { _ = s3.NewListPartsPaginator(c, &s3.ListPartsInput{}) }
