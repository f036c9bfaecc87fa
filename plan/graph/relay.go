package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"dossier.example/plan/internal/apart"
)

// An executable that runs programs starts itself once more to start them apart; then it is nothing but that.
func init() { apart.Main(beside) }

// beside serves the relay until the process ends.
func beside(listener net.Listener) {
	server := grpc.NewServer(grpc.MaxRecvMsgSize(largestMessage), grpc.MaxSendMsgSize(largestMessage))
	pulumirpc.RegisterCallbacksServer(server, &relay{})
	_ = server.Serve(listener) // what it could not serve, the caller is told
}

// relay passes calls on to a program that runs apart, whose functions and files nobody else reaches.
type relay struct {
	pulumirpc.UnimplementedCallbacksServer
	into callbacks

	mu   sync.Mutex
	read int64
}

// folders are where a program's files are.
type folders struct {
	Dir      string
	Within   []string
	StandIns map[string]string
}

// hash has the relay hash the files within properties: it sees those that the program wrote.
func (c *callbacks) hash(ctx context.Context, assets *assetFolders, object, into *structpb.Struct) error {
	in, err := json.Marshal(folders{Dir: assets.dir, Within: assets.within, StandIns: assets.standIns})
	if err != nil {
		return err
	}
	return c.call(ctx, &pulumirpc.Callback{Target: hashToken, Token: string(in)}, object, into)
}

// hash is callbacks.hash on the side of the program.
func (r *relay) hash(in string, request []byte) (*pulumirpc.CallbackInvokeResponse, error) {
	var where folders
	object := &structpb.Struct{}
	if err := errors.Join(json.Unmarshal([]byte(in), &where), proto.Unmarshal(request, object)); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	assets := &assetFolders{dir: where.Dir, standIns: where.StandIns, left: mostHashed - r.read}
	for _, folder := range where.Within {
		if _, err := os.Stat(folder); err == nil {
			assets.within = append(assets.within, folder)
		}
	}
	object, err := hashed(object, assets)
	r.read = mostHashed - assets.left
	if err != nil {
		return nil, err
	}
	response, err := proto.Marshal(object)
	return &pulumirpc.CallbackInvokeResponse{Response: response}, err
}

// Invoke implements pulumirpc.CallbacksServer. Where the token is not hashToken, it is the address and the token of a
// function of the program.
func (r *relay) Invoke(ctx context.Context, req *pulumirpc.CallbackInvokeRequest) (*pulumirpc.CallbackInvokeResponse,
	error) {
	target, token, _ := strings.Cut(req.GetToken(), " ")
	if target == hashToken {
		return r.hash(token, req.GetRequest())
	}
	conn, err := r.into.conn(target)
	if err != nil {
		return nil, err
	}
	answer, err := pulumirpc.NewCallbacksClient(conn).Invoke(ctx,
		&pulumirpc.CallbackInvokeRequest{Token: token, Request: req.GetRequest()})
	if err != nil {
		return nil, fmt.Errorf("calling the program: %w", err)
	}
	return answer, nil
}
