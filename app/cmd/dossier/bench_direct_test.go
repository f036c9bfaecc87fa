package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"dossier.example/app"
	"dossier.example/app/api"
)

// partsSigned is how many parts are signed by one request at most, as by the command.
const partsSigned = 16

// generatedPart returns the bytes of a part of a generated file.
func generatedPart(number int, partSize, size int64) ([]byte, error) {
	from := int64(number-1) * partSize
	part := make([]byte, min(partSize, size-from))
	_, err := io.ReadFull(&generated{at: from, size: size}, part)
	return part, err
}

func crcText(data []byte) string {
	crc := dossier.NewCRC64()
	crc.Write(data) // a hash never fails
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, crc.Sum64()))
}

// partSender sends one part to where it is told to, and returns its ETag.
type partSender func(ctx context.Context, number int, crc string, data []byte) (tag string, err error)

// sendParts sends all parts of a generated file, several at once, and returns their ETags.
func sendParts(ctx context.Context, partSize, size int64, send partSender) ([]string, error) {
	tags := make([]string, (size+partSize-1)/partSize)
	numbers := make(chan int, len(tags))
	for i := range tags {
		numbers <- i + 1
	}
	close(numbers)
	err := eachAtOnce(ctx, numbers, func(ctx context.Context, number int) error {
		data, err := generatedPart(number, partSize, size)
		if err == nil {
			tags[number-1], err = send(ctx, number, crcText(data), data)
		}
		return err
	})
	return tags, err
}

// eachAtOnce does something with all of a channel, partsAtOnce at once, until that fails.
func eachAtOnce[T any](ctx context.Context, all <-chan T, do func(context.Context, T) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	for range partsAtOnce {
		wg.Go(func() {
			for one := range all {
				if ctx.Err() != nil {
					return
				}
				if err := do(ctx, one); err != nil {
					stop(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// put makes a signed request.
func put(ctx context.Context, client *http.Client, url string, header map[string]string, data []byte) (tag string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("the store answers %s: %s", res.Status, said)
	}
	return res.Header.Get("Etag"), err
}

// bareS3 is a client of S3 that needs nobody to sign its requests.
type bareS3 struct {
	client *s3.Client
	bucket string
	// http sends what others signed.
	http *http.Client
}

// send does what a file that is sent directly needs of S3, and nothing else: begin an upload, send its parts, complete
// it.
func (c *bareS3) send(ctx context.Context, content dossier.Content) error {
	key, partSize := "plain-copy", dossier.PartSize(content.Size)
	begun, err := c.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &c.bucket, Key: &key, ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumType: types.ChecksumTypeFullObject,
	})
	if err != nil {
		return err
	}
	completed := make([]types.CompletedPart, (content.Size+partSize-1)/partSize)
	tags, err := sendParts(ctx, partSize, content.Size, func(ctx context.Context, number int, crc string, data []byte) (string, error) {
		n := int32(number)
		completed[number-1] = types.CompletedPart{PartNumber: &n, ChecksumCRC64NVME: &crc}
		// Over plain HTTP the SDK would also hash the body, which no sender of signed requests does.
		out, err := c.client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &c.bucket, Key: &key, UploadId: begun.UploadId, PartNumber: &n, Body: bytes.NewReader(data), ChecksumCRC64NVME: &crc,
		}, s3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware))
		if err != nil {
			return "", err
		}
		return aws.ToString(out.ETag), nil
	})
	if err != nil {
		return err
	}
	for i := range completed {
		completed[i].ETag = &tags[i]
	}
	_, err = c.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &c.bucket, Key: &key, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: completed},
		ChecksumType: types.ChecksumTypeFullObject, ChecksumCRC64NVME: aws.String(base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, content.CRC64))),
	})
	if err != nil {
		return err
	}
	return c.remove(ctx, key)
}

func (c *bareS3) remove(ctx context.Context, key string) error {
	_, err := c.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &c.bucket, Key: &key})
	return err
}

// apiClient is a client of the JSON API that counts every byte on its connections to the server.
type apiClient struct {
	base   string
	http   *http.Client
	passed atomic.Int64
}

func newAPIClient(base string) *apiClient {
	c := &apiClient{base: base}
	c.http = &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: partsAtOnce,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			var d net.Dialer
			conn, err := d.DialContext(ctx, network, address)
			return &countedConn{conn, &c.passed}, err
		},
	}}
	return c
}

type countedConn struct {
	net.Conn
	passed *atomic.Int64
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.passed.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.passed.Add(int64(n))
	return n, err
}

// ask makes a call, and reads its answer into out.
func (c *apiClient) ask(ctx context.Context, method, path, receipt string, body, out any) error {
	sent, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+api.Prefix+path, bytes.NewReader(sent))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if receipt != "" {
		req.Header.Set("Authorization", "Bearer "+receipt)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, said)
	}
	return json.Unmarshal(said, out)
}

// send registers a person and sends a generated file, as docs/api.md says, and as "dossier upload" does: each part is
// read for its checksum, and read again to be sent; while some are sent, the next ones are signed.
func (c *apiClient) send(ctx context.Context, store *http.Client, content dossier.Content) (dossier.PersonID, error) {
	var registered api.Registered
	err := c.ask(ctx, http.MethodPost, "/people", "", api.Registration{Name: "Grace Hopper", Location: "Arlington",
		Age: 85, Technology: "COBOL"}, &registered)
	if err != nil {
		return dossier.PersonID{}, err
	}
	person, err := dossier.ParsePersonID(registered.Person.ID)
	if err != nil {
		return person, err
	}
	var file api.File
	path := "/files/" + dossier.NewFileID().String()
	if err := c.ask(ctx, http.MethodPut, path, registered.Receipt, api.Announcement{Name: "file-0.bin",
		Size: content.Size}, &file); err != nil {
		return person, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	sign := func(parts []api.Part) ([]api.SignedPart, error) {
		var signed api.SignedParts
		err := c.ask(ctx, http.MethodPost, path+"/parts", registered.Receipt, api.PartsToSign{Parts: parts}, &signed)
		if err == nil && len(signed.Parts) != len(parts) {
			err = fmt.Errorf("%d of %d parts are signed", len(signed.Parts), len(parts))
		}
		return signed.Parts, err
	}
	read, signed := make(chan api.Part, partsSigned), make(chan api.SignedPart)
	go func() {
		defer close(read)
		buffer := make([]byte, 256<<10)
		for number := 1; number <= *file.PartCount; number++ {
			from := int64(number-1) * *file.PartSize
			size := min(*file.PartSize, content.Size-from)
			crc := dossier.NewCRC64()
			if _, err := io.CopyBuffer(struct{ io.Writer }{crc}, &generated{at: from, size: from + size},
				buffer); err != nil {
				stop(err)
				return
			}
			select {
			case read <- api.Part{Number: number, Size: size, Crc64Nvme: api.FormatCRC64NVME(crc.Sum64())}:
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() {
		defer close(signed)
		for most := partsAtOnce; ; most = min(2*most, partsSigned) {
			parts := batch(read, most)
			if len(parts) == 0 {
				return
			}
			requests, err := sign(parts)
			if err != nil {
				stop(err)
				return
			}
			for _, r := range requests {
				select {
				case signed <- r:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	err = eachAtOnce(ctx, signed, func(ctx context.Context, part api.SignedPart) error {
		data, err := generatedPart(part.Number, *file.PartSize, content.Size)
		if err == nil {
			_, err = put(ctx, store, part.URL, part.Headers, data)
		}
		return err
	})
	if err != nil {
		return person, err
	}
	return person, c.ask(ctx, http.MethodPost, path+"/complete", registered.Receipt, completion(content), &file)
}

// batch waits for one of a channel, and returns it with those that wait behind it; none: there are no more.
func batch[T any](all <-chan T, most int) []T {
	first, ok := <-all
	if !ok {
		return nil
	}
	batch := []T{first}
	for len(batch) < most {
		select {
		case next, ok := <-all:
			if !ok {
				return batch
			}
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

func completion(content dossier.Content) api.Completion {
	return api.Completion{
		Crc64Nvme: base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, content.CRC64)),
		Sha256:    hex.EncodeToString(content.SHA256[:]),
	}
}
