package tlsfiles_test

import (
	"context"
	"crypto/tls"
	"log"
	"net/http"
	"time"

	"github.com/seed63bb8431/weir/archive/tlsfiles"
)

func Example() {
	cert, err := tlsfiles.Load("/etc/weir/cert.pem", "/etc/weir/key.pem")
	if err != nil {
		log.Fatal(err)
	}
	go cert.Watch(context.Background(), time.Minute, func(err error) {
		log.Println("certificate:", err) // nil: there is a new one
	})
	server := http.Server{Addr: ":443", TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: cert.GetCertificate}}
	log.Fatal(server.ListenAndServeTLS("", ""))
}
