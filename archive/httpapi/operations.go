package httpapi

import (
	"context"
	"io"
	"net/http"
	"slices"

	"github.com/seed63bb8431/weir/archive"
)

// operation is an operation of the API.
type operation struct {
	path   string
	action string // its name in the API
	// notAuthorized tells whether the API's model has NotAuthorizedException among the operation's errors.
	notAuthorized bool
	serve         func(*handler, *exchange) error
}

// operations are the operations by their paths.
var operations = byPath(
	plain("/listFragments", "ListFragments", true, Service.ListFragments),
	answered("/getMediaForFragmentList", "GetMediaForFragmentList", true, direct(Service.GetMediaForFragmentList), (*exchange).sendList),
	answered("/getClip", "GetClip", true, direct(Service.GetClip), (*exchange).sendClip),
	answered("/getImages", "GetImages", true, direct(Service.GetImages), sendImages),
	answered("/getHLSStreamingSessionURL", "GetHLSStreamingSessionURL", true, based(Service.GetHLSStreamingSessionURL), sendJSON),
	answered("/getDASHStreamingSessionURL", "GetDASHStreamingSessionURL", true, based(Service.GetDASHStreamingSessionURL), sendJSON),
	answered("/getMedia", "GetMedia", true, direct(Service.GetMedia), (*exchange).sendMedia),
	putMedia("/putMedia", "PutMedia", true),

	plain("/createStream", "CreateStream", false, Service.CreateStream),
	plain("/describeStream", "DescribeStream", true, Service.DescribeStream),
	answered("/listStreams", "ListStreams", false, (*handler).listStreams, sendJSON),
	plain("/deleteStream", "DeleteStream", true, Service.DeleteStream),
	plain("/updateStream", "UpdateStream", true, Service.UpdateStream),
	plain("/updateDataRetention", "UpdateDataRetention", true, Service.UpdateDataRetention),
	answered("/getDataEndpoint", "GetDataEndpoint", true, based(Service.GetDataEndpoint), sendJSON),
	plain("/tagStream", "TagStream", true, Service.TagStream),
	plain("/untagStream", "UntagStream", true, Service.UntagStream),
	plain("/listTagsForStream", "ListTagsForStream", true, Service.ListTagsForStream),
	plain("/TagResource", "TagResource", false, tagResource),
	plain("/UntagResource", "UntagResource", false, untagResource),
	plain("/ListTagsForResource", "ListTagsForResource", false, listTagsForResource),
	plain("/describeStreamStorageConfiguration", "DescribeStreamStorageConfiguration", false, Service.DescribeStreamStorageConfiguration),
	plain("/updateStreamStorageConfiguration", "UpdateStreamStorageConfiguration", false, Service.UpdateStreamStorageConfiguration),
)

// Actions returns the names of the operations and of the resources of sessions, sorted: every Action that a Record may have but "".
func Actions() []string {
	var all []string
	for _, o := range operations {
		all = append(all, o.action)
	}
	for _, s := range sessionResources {
		all = append(all, s.action)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func byPath(list ...*operation) map[string]*operation {
	m := map[string]*operation{}
	for _, o := range list {
		m[o.path] = o
	}
	return m
}

// call does what was asked for.
type call[In, Out any] func(*handler, *exchange, *In) (Out, error)

// direct is a call of a method of the service.
func direct[In, Out any](method func(Service, context.Context, *In) (Out, error)) call[In, Out] {
	return func(h *handler, x *exchange, in *In) (Out, error) { return method(h.service, x.ctx, in) }
}

// based is a call of a method that is told the URL which the caller reaches the server by.
func based[In, Out any](method func(Service, context.Context, *In, string) (Out, error)) call[In, Out] {
	return func(h *handler, x *exchange, in *In) (out Out, err error) {
		base, err := h.base(x)
		if err != nil {
			return out, err
		}
		return method(h.service, x.ctx, in, base)
	}
}

// plain is an operation of JSON both ways.
func plain[In, Out any](path, action string, notAuthorized bool, method func(Service, context.Context, *In) (*Out, error)) *operation {
	return answered(path, action, notAuthorized, direct(method), sendJSON)
}

func sendJSON[Out any](x *exchange, out *Out) error {
	body, err := marshal(out)
	if err != nil {
		return err
	}
	x.answer(http.StatusOK, body)
	return nil
}

// answered is an operation that takes JSON. send answers with what it gives.
func answered[In, Out any](path, action string, notAuthorized bool, do call[In, Out], send func(*exchange, Out) error) *operation {
	o := &operation{path: path, action: action, notAuthorized: notAuthorized}
	o.serve = func(h *handler, x *exchange) error {
		in := new(In)
		if err := h.read(x, in); err != nil {
			return err
		}
		stream, err := streamOf(in)
		if err != nil {
			return err
		}
		if err := o.authorize(x, stream); err != nil {
			return err
		}
		out, err := do(h, x, in)
		if err != nil {
			return err
		}
		return send(x, out)
	}
	return o
}

// read reads the body of a request, verifies the signature, and then decodes the JSON.
func (h *handler) read(x *exchange, in any) error {
	body, err := x.readBody()
	if err != nil {
		return err
	}
	if err := h.authenticate(x, body); err != nil {
		return err
	}
	return decode(body, in)
}

// bodyTime is how long a client may take to send a JSON body.
const bodyTime = writeGrace

func (x *exchange) readBody() ([]byte, error) {
	tooLong := invalid("The request's body has more than %d bytes.", maxBody)
	if x.r.ContentLength > maxBody {
		x.closeAfter()
		return nil, tooLong
	}
	x.limitRead(bodyTime)
	body, err := io.ReadAll(io.LimitReader(x.r.Body, maxBody+1))
	x.received(len(body))
	switch {
	case err != nil:
		x.closeAfter()
		return nil, &archive.Error{Type: Serialization, Message: "The request's body ended early.", Err: err}
	case len(body) > maxBody:
		x.closeAfter()
		return nil, tooLong
	}
	x.limitRead(0)
	return body, nil
}

// streamOf returns the name of the stream that an input is about, "" when it is about none.
func streamOf(in any) (string, error) {
	switch in := in.(type) {
	case *archive.CreateStreamInput:
		if in.StreamName == "" {
			return "", invalid("StreamName is needed.")
		}
		return archive.StreamRef{StreamName: in.StreamName}.Name()
	case *archive.DeleteStreamInput:
		if in.StreamARN == "" {
			return "", invalid("StreamARN is needed.")
		}
		return archive.StreamRef{StreamARN: in.StreamARN}.Name()
	case interface{ Name() (string, error) }:
		return in.Name()
	}
	return "", nil
}
