// A crypto/tls server, and a client for each command line "connect PORT VERSION SUITE" on standard
// input (both numbers in hexadecimal). Writes a key log; knows only crypto/tls.
package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

var sizes = []int{1, 6, 1000, 200, 4000, 40000, 33}

func serve(l net.Listener, config *tls.Config) {
	for {
		raw, err := l.Accept()
		if err != nil {
			return
		}
		c := tls.Server(raw, config)
		for _, n := range sizes {
			b := make([]byte, n)
			if _, err := io.ReadFull(c, b); err != nil {
				break
			}
			c.Write(b)
		}
		io.Copy(io.Discard, c)
		c.Close()
	}
}

func connect(port int, config *tls.Config) error {
	c, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port), config)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, n := range sizes {
		if _, err := c.Write([]byte(strings.Repeat("g", n))); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, make([]byte, n)); err != nil {
			return err
		}
	}
	return nil
}

func suites() []uint16 {
	var ids []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, s.ID)
	}
	return ids
}

func main() {
	folder, keylog := os.Args[1], os.Args[2]
	log, err := os.Create(keylog)
	if err != nil {
		panic(err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS10, CipherSuites: suites(), KeyLogWriter: log}
	for _, name := range []string{"ec", "rsa"} {
		cert, err := tls.LoadX509KeyPair(folder+"/"+name+".crt", folder+"/"+name+".key")
		if err != nil {
			panic(err)
		}
		config.Certificates = append(config.Certificates, cert)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go serve(l, config)
	fmt.Printf("port %d\n", l.Addr().(*net.TCPAddr).Port)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var port int
		var version, suite uint16
		fmt.Sscanf(in.Text(), "connect %d %x %x", &port, &version, &suite)
		err := connect(port, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version,
			CipherSuites: []uint16{suite}})
		if err != nil {
			fmt.Println("failed", err)
		} else {
			fmt.Println("done")
		}
	}
}
