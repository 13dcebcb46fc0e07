<?php

declare(strict_types=1);

namespace Waybill\Compat;

use Google\Protobuf\Internal\Message;
use Waybill\ConnectOptions;
use Waybill\Rpc\Repeat;
use Waybill\Rpc\Rpc;
use Waybill\Transport\Transports;

/**
 * One of the `mq` services.
 *
 * @internal
 */
final readonly class Mq
{
    private Rpc $rpc;

    public function __construct(
        private string $service,
        string|ConnectOptions|null $options,
    ) {
        $options = match (true) {
            $options === null => ConnectOptions::fromEnv(),
            \is_string($options) => new ConnectOptions($options),
            default => $options,
        };
        $this->rpc = new Rpc(Transports::open($options), $options);
    }

    /**
     * @template T of Message
     *
     * @param T $response
     *
     * @return T
     */
    public function call(string $method, Message $request, Message $response, Repeat $repeat, ?float $seconds = null): Message
    {
        return $this->rpc->call($this->service . $method, $request, $response, $repeat, $seconds);
    }

    /**
     * The answer as the caller wants it.
     *
     * @template T of Message
     *
     * @param T $response
     *
     * @return ($toArray is true ? array<mixed> : T)
     */
    public static function answer(Message $response, bool $toArray): Message|array
    {
        if (!$toArray) {
            return $response;
        }
        $array = json_decode($response->serializeToJsonString(), true);

        return \is_array($array) ? $array : [];
    }
}
