package sigv4_test

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/archive/sigv4"
)

func Example() {
	key := sigv4.Key{ID: "AKIDEXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

	// The caller.
	body := `{"StreamName":"cam-1"}`
	r, _ := http.NewRequest(http.MethodPost, "http://127.0.0.1:8080/listFragments", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	signer := sigv4.Signer{Key: key, Region: "us-west-2"}
	if err := signer.Sign(r, sigv4.PayloadHash([]byte(body)), now); err != nil {
		fmt.Println(err)
		return
	}

	// The server.
	verifier := sigv4.Verifier{
		Lookup: func(id string) (sigv4.Key, bool) { return key, id == key.ID },
		Now:    func() time.Time { return now.Add(time.Minute) },
	}
	s, err := verifier.Verify(r, []byte(body))
	fmt.Println(s, err)
	_, err = verifier.Verify(r, []byte(`{"StreamName":"cam-2"}`))
	fmt.Println(sigv4.Name(err))

	// Output:
	// signature by AKIDEXAMPLE for 20261122/us-west-2/kinesisvideo/aws4_request <nil>
	// InvalidSignature
}
