<?php

declare(strict_types=1);

namespace Waybill\Tests\Support;

/** An authority, and a certificate of it for `localhost` and 127.0.0.1 that serves both ends. In a temporary folder. */
final class Certificates
{
    public readonly string $authorities;
    public readonly string $certificate;
    public readonly string $key;
    private readonly string $folder;

    public function __construct()
    {
        $this->folder = sys_get_temp_dir() . '/waybill-php-tls-' . bin2hex(random_bytes(6));
        mkdir($this->folder, 0o700);
        $config = "{$this->folder}/openssl.cnf";
        file_put_contents($config, "[req]\ndistinguished_name=dn\n[dn]\n[authority]\nbasicConstraints=critical,CA:TRUE\n"
            . "[leaf]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n");
        $options = ['config' => $config, 'private_key_bits' => 2048, 'digest_alg' => 'sha256'];
        $authorityKey = self::newKey($options);
        $key = self::newKey($options);
        $authority = openssl_csr_sign(
            self::request('Waybill test authority ' . bin2hex(random_bytes(4)), $authorityKey, $options),
            null,
            $authorityKey,
            2,
            ['x509_extensions' => 'authority'] + $options,
            1,
        );
        \assert($authority !== false);
        $request = self::request('localhost', $key, $options);
        $leaf = openssl_csr_sign($request, $authority, $authorityKey, 2, ['x509_extensions' => 'leaf'] + $options, 2);
        \assert($leaf !== false);
        $this->authorities = "{$this->folder}/authority.pem";
        $this->certificate = "{$this->folder}/certificate.pem";
        $this->key = "{$this->folder}/key.pem";
        openssl_x509_export_to_file($authority, $this->authorities);
        openssl_x509_export_to_file($leaf, $this->certificate);
        openssl_pkey_export_to_file($key, $this->key, null, $options);
    }

    /**
     * @return array<string, string|bool>
     */
    public function forServer(bool $mutual): array
    {
        return ['authorities' => $this->authorities, 'certificate' => $this->certificate, 'key' => $this->key, 'mutual' => $mutual];
    }

    public function __destruct()
    {
        array_map(unlink(...), glob("{$this->folder}/*") ?: []);
        rmdir($this->folder);
    }

    /**
     * @param array<string, string|int> $options
     */
    private static function newKey(array $options): \OpenSSLAsymmetricKey
    {
        $key = openssl_pkey_new($options);

        return $key === false ? throw new \RuntimeException('openssl makes no key') : $key;
    }

    /**
     * @param array<string, string|int> $options
     */
    private static function request(string $name, \OpenSSLAsymmetricKey $key, array $options): \OpenSSLCertificateSigningRequest
    {
        $request = openssl_csr_new(['commonName' => $name], $key, $options);

        return $request instanceof \OpenSSLCertificateSigningRequest ? $request : throw new \RuntimeException('openssl makes no request');
    }
}
